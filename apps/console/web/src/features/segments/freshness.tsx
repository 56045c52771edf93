import type { Segment } from '../../api/segments.js';
import { classes } from '../../design/class-names.js';
import { Icon } from '../../design/icon.js';
import { useNow } from '../../design/now.js';
import { formatDuration, formatExact, formatRelative } from '../../format/format-instant.js';
import { judgeFreshness, type NewestEvent } from './judge-freshness.js';
import styles from './freshness.module.css';

interface FreshnessProps {
  readonly segment: Pick<Segment, 'status' | 'lagMs' | 'asOf' | 'warnings'>;
  readonly newest: NewestEvent;
}

/** How far the count of a segment is behind what is known, or what keeps it from being exact. */
export function Freshness({ segment, newest }: FreshnessProps) {
  const { status, warnings = [] } = segment;
  return (
    <span className={styles.line}>
      {status === 'live' && <Lag segment={segment} newest={newest} />}
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

function Lag({ segment, newest }: FreshnessProps) {
  const nowMs = useNow();
  const verdict = judgeFreshness(segment, newest);
  const asOfMs = Date.parse(segment.asOf ?? '');
  const exact = Number.isNaN(asOfMs) ? 'Nothing has come in yet.' : `Exact as of ${formatExact(asOfMs)}`;
  const [tone, text, tip] = {
    empty: [styles.unknown, 'no events yet', exact],
    fresh: [styles.live, `lag ${formatDuration(segment.lagMs ?? 0)}`, exact],
    quiet: [styles.live, 'up to date', `${exact}\nNothing has come in since.`],
    behind: [styles.old, `lag ${formatDuration(segment.lagMs ?? 0)}`, exact],
    unknown: [styles.unknown, `as of ${formatRelative(asOfMs, nowMs, 'ago')}`, exact],
  }[verdict] as [string, string, string];
  return (
    <span className={classes(styles.state, tone)} data-tip={tip}>
      <span className={styles.dot} />
      {text}
    </span>
  );
}
