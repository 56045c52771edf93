import type { Segment } from '../../api/segments.js';
import { classes } from '../../design/class-names.js';
import { Icon } from '../../design/icon.js';
import { formatDuration, formatExact } from '../../format/format-instant.js';
import styles from './freshness.module.css';

/** Further behind than this is worth a colour. */
const LAG_OLD_MS = 2_000;

/** How far the counts of a segment are behind the present, or what keeps it from being exact. */
export function Freshness({ segment }: { readonly segment: Pick<Segment, 'status' | 'lagMs' | 'asOf' | 'warnings'> }) {
  const { status, lagMs, asOf, warnings = [] } = segment;
  const isOld = lagMs > LAG_OLD_MS;
  const asOfMs = Date.parse(asOf);
  const tip = Number.isNaN(asOfMs) ? undefined : `Exact as of ${formatExact(asOfMs)}`;
  return (
    <span className={styles.line}>
      {status === 'live' && (
        <span className={classes(styles.state, isOld ? styles.old : styles.live)} data-tip={tip}>
          <span className={styles.dot} />
          {formatDuration(lagMs)} behind
        </span>
      )}
      {status === 'backfilling' && (
        <span className={classes(styles.state, styles.busy)} data-tip="It is being filled from the history. Its count grows until it is live.">
          <span className={styles.dot} />
          filling
        </span>
      )}
      {status === 'paused' && (
        <span className={classes(styles.state, styles.paused)} data-tip="Nobody enters or leaves it until it goes on.">
          <Icon name="pause" size={11} />
          paused
        </span>
      )}
      {warnings.length > 0 && (
        <span className={styles.warning} data-tip={warnings.map((warning) => (typeof warning === 'string' ? warning : warning.detail)).join('\n')}>
          <Icon name="warning" size={12} />
          <span className="visually-hidden">{warnings.length} warnings</span>
        </span>
      )}
    </span>
  );
}
