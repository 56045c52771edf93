import { logOut } from '../../api/session.js';
import { BrandMark } from '../../design/brand-mark.js';
import { Button, IconButton } from '../../design/button.js';
import { Icon } from '../../design/icon.js';
import { Popover } from '../../design/popover.js';
import { initials } from '../../format/person-label.js';
import { Link } from '../../navigation/location.js';
import { ConnectionStatus, type ConnectionStatusProps } from './connection-status.js';
import { PersonSearch } from './person-search.js';
import { useSession } from './session-context.js';
import { useTheme } from './theme.js';
import styles from './top-bar.module.css';

export function TopBar({ streams }: ConnectionStatusProps) {
  const { session, onLogout } = useSession();
  const [theme, chooseTheme] = useTheme();
  const leave = async () => {
    await logOut().catch(() => undefined);
    onLogout();
  };
  return (
    <header className={styles.bar}>
      <Link to="/" className={styles.brand} aria-label="Tributary, what happens now">
        <BrandMark size={26} />
        <span>Tributary</span>
      </Link>
      <span className={styles.workspace} data-tip="Workspace">
        {session.workspace}
      </span>
      <PersonSearch />
      <div className={styles.right}>
        <ConnectionStatus streams={streams} />
        <IconButton icon={theme === 'dark' ? 'sun' : 'moon'} label={theme === 'dark' ? 'Light theme' : 'Dark theme'} onClick={() => chooseTheme(theme === 'dark' ? 'light' : 'dark')} />
        <Popover label="Account" className={styles.avatar} button={initials(session.email)}>
          <div className={styles.account}>
            <div>
              <p className={styles.email}>{session.email}</p>
              <p className={styles.faint}>Workspace {session.workspace}</p>
            </div>
            <Button onClick={() => void leave()}>
              <Icon name="logout" />
              Sign out
            </Button>
          </div>
        </Popover>
      </div>
    </header>
  );
}
