import type { SegmentChange } from '@tributary/contracts/change';
import { useState } from 'react';
import { ApiProblem } from '../../api/client.js';
import { getProfile, type Profile } from '../../api/profiles.js';
import type { Segment } from '../../api/segments.js';
import { useQuery } from '../../api/use-query.js';
import { IconButton } from '../../design/button.js';
import { EmptyState, ErrorState, Skeleton } from '../../design/notice.js';
import { Panel } from '../../design/panel.js';
import { Tabs } from '../../design/tabs.js';
import { navigate, withParams } from '../../navigation/location.js';
import { PersonHead } from './person-head.js';
import { PersonSegments } from './person-segments.js';
import { PersonTimeline } from './person-timeline.js';
import { PersonTraits } from './person-traits.js';

interface PersonPanelProps {
  /** A profile id or `<identifier type>:<value>`. */
  readonly reference: string;
  readonly segments: readonly Segment[];
  /** Changes of anybody since the page was opened; those of this person are added to the timeline. */
  readonly liveChanges: readonly SegmentChange[];
  readonly className?: string;
}

const FRESH_EVERY_MS = 5_000;

export function PersonPanel({ reference, segments, liveChanges, className }: PersonPanelProps) {
  const { data: profile, error, isLoading, reload } = useQuery(`profile ${reference}`, (signal) => getProfile(reference, signal), { everyMs: FRESH_EVERY_MS });
  const isUnknown = error instanceof ApiProblem && error.status === 404;
  return (
    <Panel title="Person" focusOn={reference} className={className ?? ''} tools={<IconButton icon="close" label="Close person" onClick={() => navigate(withParams({ person: null }))} />}>
      {isLoading && <Skeleton lines={9} label="Loading the person" />}
      {profile === null && isUnknown && (
        <EmptyState icon="search" title="Nobody by this reference">
          There is no profile <strong>{reference}</strong> in this workspace. Identifiers are compared exactly; a person appears with the first event, import or consent.
        </EmptyState>
      )}
      {profile === null && error !== null && !isUnknown && <ErrorState title="The person could not be loaded" error={error} onRetry={reload} />}
      {profile !== null && <Person key={profile.id} profile={profile} segments={segments} liveChanges={liveChanges} />}
    </Panel>
  );
}

function Person({ profile, segments, liveChanges }: { readonly profile: Profile; readonly segments: readonly Segment[]; readonly liveChanges: readonly SegmentChange[] }) {
  const [tab, setTab] = useState('segments');
  const own = liveChanges.filter((change) => change.profileId === profile.id);
  return (
    <>
      <PersonHead profile={profile} />
      <Tabs label="About this person" chosen={tab} onChoose={setTab} tabs={[{ key: 'segments', title: 'Segments' }, { key: 'timeline', title: 'Timeline' }, { key: 'traits', title: 'Traits' }]}>
        {tab === 'segments' && <PersonSegments profileId={profile.id} segments={segments} changeCount={own.length} />}
        {tab === 'timeline' && <PersonTimeline profileId={profile.id} segments={segments} liveChanges={own} />}
        {tab === 'traits' && <PersonTraits profile={profile} />}
      </Tabs>
    </>
  );
}
