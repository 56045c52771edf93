import type { SegmentChange } from '@tributary/contracts/change';
import { useEffect, useMemo, useRef, useState } from 'react';
import { listSegments } from '../../api/segments.js';
import { useQuery } from '../../api/use-query.js';
import { classes } from '../../design/class-names.js';
import { Icon } from '../../design/icon.js';
import { EmptyState } from '../../design/notice.js';
import { Panel } from '../../design/panel.js';
import { navigate, useLocation, withParams } from '../../navigation/location.js';
import { PersonPanel } from '../people/person-panel.js';
import { SegmentPanel } from '../segments/segment-panel.js';
import { SegmentsPanel } from '../segments/segments-panel.js';
import { Tallies } from '../segments/tallies.js';
import { TopBar } from '../shell/top-bar.js';
import { ChangeRow } from './change-row.js';
import { EventRow } from './event-row.js';
import type { LiveEvent } from './live-event.js';
import { LiveList } from './live-list.js';
import { useLiveRows } from './use-live-rows.js';
import { ViewSwitch, viewOf } from './view-switch.js';
import styles from './live-page.module.css';

const SEGMENTS_EVERY_MS = 3_000;
const SEEN_CHANGES_MAX = 500;

/** What happens now: segments, changes and events as they come, and one person or segment in detail. */
export function LivePage() {
  const { params } = useLocation();
  const [person, segmentKey, view] = [params.get('person'), params.get('segment'), viewOf(params)];
  const [changeFilter, setChangeFilter] = useState('');
  const [eventFilter, setEventFilter] = useState('');
  const [tallies] = useState(() => new Tallies());
  const seenChanges = useRef<readonly SegmentChange[]>([]);
  const newestMs = useRef<number | null>(null);
  const changes = useLiveRows<SegmentChange>({
    path: 'changes',
    match: changeFilter === '' ? (segmentKey ?? '') : changeFilter,
    keyOf: (change) => `${change.profileId} ${change.sequence}`,
    onBatch: (batch) => {
      for (const [key, [entered, left]] of Object.entries(batch.tally ?? {})) tallies.add(key, entered, left, Date.now());
      if (batch.items.length > 0) seenChanges.current = [...batch.items.toReversed(), ...seenChanges.current].slice(0, SEEN_CHANGES_MAX);
    },
  });
  const events = useLiveRows<LiveEvent>({
    path: 'events',
    match: eventFilter,
    keyOf: (event) => event.messageId,
    onBatch: (batch) => (newestMs.current = batch.newestMs ?? newestMs.current),
  });
  const segmentsQuery = useQuery(
    'segments',
    async (signal) => {
      // From before the question: an event seen by then has to be in the answer, or the segments are behind.
      const newest = { appendedMs: newestMs.current, isWatching: events.state === 'live' };
      return { segments: await listSegments(signal), newest };
    },
    { everyMs: SEGMENTS_EVERY_MS },
  );
  const newest = segmentsQuery.data?.newest ?? { appendedMs: null, isWatching: false };
  const segments = { ...segmentsQuery, data: segmentsQuery.data?.segments ?? null };
  const names = useMemo(() => new Map(segments.data?.map(({ key, name }) => [key, name])), [segments.data]);
  const segment = segments.data?.find(({ key }) => key === segmentKey) ?? null;
  const isDetailed = person !== null || segment !== null;

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => event.key === 'Escape' && !event.defaultPrevented && navigate(withParams(person === null ? { segment: null } : { person: null }));
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [person]);

  return (
    <div className={styles.page}>
      <TopBar streams={{ change: changes.state, event: events.state }} />
      <main className={classes(styles.main, isDetailed && styles.detailed)} data-view={view}>
        <h1 className="visually-hidden">What happens now</h1>
        <SegmentsPanel query={segments} newest={newest} tallies={tallies} selected={segmentKey} className={styles.segments ?? ''} />
        <div className={styles.streams}>
          <LiveList
            title="Changes"
            list={changes}
            filter={changeFilter}
            filterHint="Person, segment, cause"
            onFilter={setChangeFilter}
            className={styles.changes ?? ''}
            narrowedBy={segment !== null && changeFilter === '' && <Narrowed name={segment.name} />}
            empty={`As soon as somebody enters or leaves ${segment === null ? 'a segment' : segment.name}, it shows here within milliseconds.`}
          >
            {({ number, item, isNew }) => <ChangeRow key={number} change={item} isNew={isNew} segmentName={names.get(item.segment) ?? item.segment} isSelected={item.profileId === person} />}
          </LiveList>
          <LiveList
            title="Events"
            list={events}
            filter={eventFilter}
            filterHint="Name, person, any text"
            onFilter={setEventFilter}
            className={styles.events ?? ''}
            empty="Send one with a Segment SDK or POST /v1/track, and it shows here at once."
          >
            {({ number, item, isNew }) => <EventRow key={number} event={item} isNew={isNew} isSelected={item.profileId === person} />}
          </LiveList>
        </div>
        <div className={styles.detail}>
          {person !== null && <PersonPanel reference={person} segments={segments.data ?? []} liveChanges={seenChanges.current} />}
          {person === null && segment !== null && <SegmentPanel segment={segment} newest={newest} />}
          {!isDetailed && (
            <Panel title="Person">
              <EmptyState icon="person" title="Who is in, and why">
                Choose a person in a stream, or find one with <kbd className={styles.key}>/</kbd> by e-mail, user id or any other identifier. Choose a segment to see its rule and members.
              </EmptyState>
            </Panel>
          )}
        </div>
      </main>
      <ViewSwitch view={view} isDetailed={isDetailed} />
    </div>
  );
}

function Narrowed({ name }: { readonly name: string }) {
  return (
    <button type="button" className={styles.narrowed} aria-label={`Show changes of all segments, not only ${name}`} onClick={() => navigate(withParams({ segment: null }))}>
      <span>{name}</span>
      <Icon name="close" size={12} />
    </button>
  );
}
