import type { Segment } from '../../api/segments.js';
import type { Query } from '../../api/use-query.js';
import { classes } from '../../design/class-names.js';
import { useNow } from '../../design/now.js';
import { Banner, EmptyState, ErrorState, Skeleton } from '../../design/notice.js';
import { Panel } from '../../design/panel.js';
import { formatCompact, formatCount } from '../../format/format-number.js';
import { Link } from '../../navigation/location.js';
import { FlowChart } from './flow-chart.js';
import { Freshness } from './freshness.js';
import type { NewestEvent } from './judge-freshness.js';
import { TALLY_MINUTES, type Tallies } from './tallies.js';
import styles from './segments-panel.module.css';

interface SegmentsPanelProps {
  readonly query: Query<readonly Segment[]>;
  readonly tallies: Tallies;
  readonly newest: NewestEvent;
  /** Key of the segment that is looked at. */
  readonly selected: string | null;
  readonly className?: string;
}

export function SegmentsPanel({ query, tallies, newest, selected, className }: SegmentsPanelProps) {
  const { data: segments, error, isLoading, reload } = query;
  const nowMs = useNow();
  return (
    <Panel title="Segments" aside={segments === null ? null : formatCount(segments.length)} className={className ?? ''}>
      {error !== null && segments !== null && <Banner tone="warning">Counts may be old: {error.message}</Banner>}
      {isLoading && <Skeleton lines={8} label="Loading segments" />}
      {error !== null && segments === null && <ErrorState title="The segments could not be loaded" error={error} onRetry={reload} />}
      {segments?.length === 0 && (
        <EmptyState icon="segments" title="No segments yet">
          Define one with <code>POST /v1/segments</code>. It fills itself from the history that is there.
        </EmptyState>
      )}
      {segments !== null && segments.length > 0 && (
        <table className={styles.table}>
          <thead className="visually-hidden">
            <tr>
              <th scope="col">Segment</th>
              <th scope="col">Entered and left, last {TALLY_MINUTES} minutes</th>
              <th scope="col">Members</th>
            </tr>
          </thead>
          <tbody>
            {segments.map((segment) => (
              <SegmentRow key={segment.key} segment={segment} newest={newest} isSelected={segment.key === selected} tally={tallies.of(segment.key, nowMs)} />
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

interface SegmentRowProps {
  readonly segment: Segment;
  readonly newest: NewestEvent;
  readonly isSelected: boolean;
  readonly tally: ReturnType<Tallies['of']>;
}

function SegmentRow({ segment, newest, isSelected, tally }: SegmentRowProps) {
  // The service counts the last hour; of one that does not, what this page has seen is counted.
  const [entered, left] = [segment.entered?.hour ?? tally.entered, segment.left?.hour ?? tally.left];
  const period = segment.entered === undefined ? 'since this page was opened' : 'in the last hour';
  return (
    <tr className={classes(styles.row, isSelected && styles.selected)}>
      <th scope="row">
        <Link params={{ segment: isSelected ? null : segment.key, person: null }} className={styles.link} aria-current={isSelected ? 'true' : undefined}>
          <span className={styles.name}>{segment.name}</span>
          <span className={styles.under}>
            <Freshness segment={segment} newest={newest} />
            <code className={styles.key}>{segment.key}</code>
          </span>
        </Link>
      </th>
      <td className={styles.flow} data-tip={`Entered and left, the last ${TALLY_MINUTES} min on this page`}>
        <FlowChart steps={tally.steps} />
      </td>
      <td className={styles.numbers}>
        <span className={styles.count}>{formatCount(segment.count)}</span>
        <span className={styles.moves} data-tip={`${formatCount(entered)} entered, ${formatCount(left)} left ${period}`}>
          <span className={classes(styles.entered, entered === 0 && styles.none)}>
            <span className="visually-hidden">entered </span>+{formatCompact(entered)}
          </span>
          <span className={classes(styles.left, left === 0 && styles.none)}>
            <span className="visually-hidden">left </span>−{formatCompact(left)}
          </span>
        </span>
      </td>
    </tr>
  );
}
