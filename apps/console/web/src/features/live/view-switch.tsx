import { classes } from '../../design/class-names.js';
import { Icon, type IconName } from '../../design/icon.js';
import { Link } from '../../navigation/location.js';
import styles from './view-switch.module.css';

const VIEWS = [
  { key: 'changes', title: 'Changes', icon: 'entered' },
  { key: 'segments', title: 'Segments', icon: 'segments' },
  { key: 'events', title: 'Events', icon: 'pulse' },
] as const satisfies readonly { key: string; title: string; icon: IconName }[];

export type View = (typeof VIEWS)[number]['key'];

/** Which part a narrow screen shows. */
export function viewOf(params: URLSearchParams): View {
  return VIEWS.find(({ key }) => key === params.get('show'))?.key ?? 'changes';
}

/** On narrow screens one part is shown at a time; wide ones show all of them and not this. */
export function ViewSwitch({ view, isDetailed }: { readonly view: View; readonly isDetailed: boolean }) {
  return (
    <nav className={styles.bar} aria-label="Parts of this page">
      {VIEWS.map(({ key, title, icon }) => {
        const isCurrent = key === view && !isDetailed;
        return (
          <Link key={key} params={{ show: key, person: null, segment: null }} className={classes(styles.item, isCurrent && styles.current)} aria-current={isCurrent ? 'page' : undefined}>
            <Icon name={icon} size={18} />
            {title}
          </Link>
        );
      })}
    </nav>
  );
}
