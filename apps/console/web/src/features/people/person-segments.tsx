import { useEffect, useState } from 'react';
import { listProfileSegments } from '../../api/profiles.js';
import type { Segment } from '../../api/segments.js';
import { useQuery } from '../../api/use-query.js';
import { classes } from '../../design/class-names.js';
import { Icon } from '../../design/icon.js';
import { Instant } from '../../design/instant.js';
import { Banner, EmptyState, ErrorState, Skeleton } from '../../design/notice.js';
import { WhyView } from './why-view.js';
import styles from './person-segments.module.css';

interface PersonSegmentsProps {
  readonly profileId: string;
  readonly segments: readonly Segment[];
  /** Grows with each change of this person seen live: what is shown is asked again. */
  readonly changeCount: number;
}

const FRESH_EVERY_MS = 5_000;

/** Every segment and whether this person is in it; each opens to say why. */
export function PersonSegments({ profileId, segments, changeCount }: PersonSegmentsProps) {
  const { data, error, isLoading, reload } = useQuery(`segments of ${profileId}`, (signal) => listProfileSegments(profileId, signal), { everyMs: FRESH_EVERY_MS });
  useEffect(() => {
    if (changeCount > 0) reload();
  }, [changeCount, reload]);

  if (isLoading) return <Skeleton lines={5} label="Loading segments" />;
  if (data === null) return error === null ? null : <ErrorState title="The segments could not be loaded" error={error} onRetry={reload} />;
  const since = new Map(data.segments.map((membership) => [membership.key, membership.since]));
  const named = new Map(segments.map(({ key, name }) => [key, name]));
  const outside = segments.filter(({ key }) => !since.has(key));
  return (
    <div className={styles.segments}>
      {error !== null && <Banner tone="warning">This may be old: {error.message}</Banner>}
      {data.segments.length === 0 && segments.length === 0 && <EmptyState icon="segments" title="There are no segments yet" />}
      <Group title={data.segments.length === 0 ? 'In none' : `In ${data.segments.length}`}>
        {data.segments.map(({ key }) => (
          <Line key={key} profileId={profileId} segmentKey={key} name={named.get(key) ?? key} since={since.get(key) ?? null} changeCount={changeCount} />
        ))}
      </Group>
      {outside.length > 0 && (
        <Group title={`Not in ${outside.length}`}>
          {outside.map(({ key, name }) => (
            <Line key={key} profileId={profileId} segmentKey={key} name={name} since={null} changeCount={changeCount} />
          ))}
        </Group>
      )}
    </div>
  );
}

function Group({ title, children }: { readonly title: string; readonly children: React.ReactNode }) {
  return (
    <section>
      <h4 className={styles.title}>{title}</h4>
      <ul>{children}</ul>
    </section>
  );
}

interface LineProps {
  readonly profileId: string;
  readonly segmentKey: string;
  readonly name: string;
  readonly since: string | null;
  readonly changeCount: number;
}

function Line({ profileId, segmentKey, name, since, changeCount }: LineProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li className={styles.item}>
      <button type="button" className={styles.line} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <span className={classes(styles.mark, since !== null && styles.inside)}>
          <Icon name={since === null ? 'cross' : 'check'} size={13} />
        </span>
        <span className={styles.name}>{name}</span>
        <span className={styles.since}>
          {since === null ? (
            'why not?'
          ) : (
            <>
              for <Instant at={since} />
            </>
          )}
        </span>
        <span className={classes(styles.chevron, isOpen && styles.open)}>
          <Icon name="chevron" size={13} />
        </span>
      </button>
      {isOpen && <WhyView profileId={profileId} segmentKey={segmentKey} changeCount={changeCount} />}
    </li>
  );
}
