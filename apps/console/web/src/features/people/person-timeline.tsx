import { useState } from 'react';
import { listProfileChanges, listProfileEvents, type ProfileChange, type ProfileEvent } from '../../api/profiles.js';
import type { Segment } from '../../api/segments.js';
import { useQuery } from '../../api/use-query.js';
import { Button } from '../../design/button.js';
import { classes } from '../../design/class-names.js';
import { Icon } from '../../design/icon.js';
import { Instant } from '../../design/instant.js';
import { JsonView } from '../../design/json-view.js';
import { Banner, EmptyState, ErrorState, Skeleton } from '../../design/notice.js';
import { describeCause } from '../live/describe-cause.js';
import { iconOf, summaryOf, titleOf } from '../live/live-event.js';
import { mergeTimeline, type Moment } from './merge-timeline.js';
import styles from './person-timeline.module.css';

interface PersonTimelineProps {
  readonly profileId: string;
  readonly segments: readonly Segment[];
  /** Changes of this person since the page was opened. */
  readonly liveChanges: readonly ProfileChange[];
}

const FRESH_EVERY_MS = 5_000;

/** What the person did, and where that took them, newest first. */
export function PersonTimeline({ profileId, segments, liveChanges }: PersonTimelineProps) {
  const events = useQuery(`events of ${profileId}`, (signal) => listProfileEvents(profileId, null, signal), { everyMs: FRESH_EVERY_MS });
  const changes = useQuery(`changes of ${profileId}`, (signal) => listProfileChanges(profileId, signal));
  const [older, setOlder] = useState<readonly ProfileEvent[]>([]);
  const [cursor, setCursor] = useState<string | null | undefined>(undefined);
  const [failure, setFailure] = useState<Error | null>(null);
  const next = cursor === undefined ? (events.data?.cursor ?? null) : cursor;
  const loadOlder = async () => {
    setFailure(null);
    try {
      const page = await listProfileEvents(profileId, next, AbortSignal.timeout(20_000));
      setOlder((before) => [...before, ...page.events]);
      setCursor(page.cursor);
    } catch (problem) {
      setFailure(problem as Error);
    }
  };

  if (events.isLoading) return <Skeleton lines={7} label="Loading the timeline" />;
  if (events.data === null) return events.error === null ? null : <ErrorState title="The timeline could not be loaded" error={events.error} onRetry={events.reload} />;
  const moments = mergeTimeline([...events.data.events, ...older], [...liveChanges, ...(changes.data?.changes ?? [])]);
  const names = new Map(segments.map(({ key, name }) => [key, name]));
  return (
    <div className={styles.timeline}>
      {events.error !== null && <Banner tone="warning">This may be old: {events.error.message}</Banner>}
      {changes.error !== null && <Banner tone="warning">Changes of segments could not be loaded: {changes.error.message}</Banner>}
      {changes.data?.isComplete === false && <Banner tone="warning">Of its segments, only what changed since this page was opened is listed.</Banner>}
      {moments.length === 0 && <EmptyState icon="pulse" title="Nothing is known yet">This person has no events in the history that is kept.</EmptyState>}
      <ol className={styles.moments} aria-label="Timeline">
        {moments.map((moment) => (
          <MomentItem key={moment.key} moment={moment} names={names} />
        ))}
      </ol>
      {failure !== null && <Banner tone="danger">{failure.message}</Banner>}
      {next !== null && (
        <div className={styles.more}>
          <Button onClick={() => void loadOlder()}>Show older</Button>
        </div>
      )}
    </div>
  );
}

function MomentItem({ moment, names }: { readonly moment: Moment; readonly names: ReadonlyMap<string, string> }) {
  return moment.kind === 'event' ? <EventMoment event={moment.event} /> : <ChangeMoment change={moment.change} name={names.get(moment.change.segment) ?? moment.change.segment} />;
}

function EventMoment({ event }: { readonly event: ProfileEvent }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li className={styles.moment}>
      <span className={styles.mark}>
        <Icon name={iconOf(event.type, event.name)} size={13} />
      </span>
      <button type="button" className={styles.line} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <span className={styles.title}>{titleOf(event.type, event.name)}</span>
        <span className={styles.summary}>{summaryOf(event.body)}</span>
      </button>
      <span className={styles.time}>
        <Instant at={event.timestamp} />
      </span>
      {isOpen && (
        <div className={styles.body}>
          <JsonView value={event.body} />
        </div>
      )}
    </li>
  );
}

function ChangeMoment({ change, name }: { readonly change: ProfileChange; readonly name: string }) {
  const isEntered = change.change === 'entered';
  return (
    <li className={styles.moment}>
      <span className={classes(styles.mark, isEntered ? styles.entered : styles.left)}>
        <Icon name={isEntered ? 'entered' : 'left'} size={13} />
      </span>
      <p className={styles.line}>
        <span className={styles.title}>
          {isEntered ? 'Entered' : 'Left'} {name}
        </span>
        <span className={styles.summary}>{describeCause({ cause: change.cause, reason: change.reason ?? { nodes: [] } })}</span>
      </p>
      <span className={styles.time}>
        <Instant at={change.effectiveAt} />
      </span>
    </li>
  );
}
