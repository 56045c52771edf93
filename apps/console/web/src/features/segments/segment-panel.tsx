import { useState } from 'react';
import { getProfile } from '../../api/profiles.js';
import { listMembers, type Member, type Segment } from '../../api/segments.js';
import { useQuery } from '../../api/use-query.js';
import { Button, IconButton } from '../../design/button.js';
import { Instant } from '../../design/instant.js';
import { Banner, EmptyState, ErrorState, Skeleton } from '../../design/notice.js';
import { Panel } from '../../design/panel.js';
import { formatCount } from '../../format/format-number.js';
import { personLabel } from '../../format/person-label.js';
import { Link, navigate, withParams } from '../../navigation/location.js';
import { personName } from '../people/person-name.js';
import { RuleTree } from '../rules/rule-tree.js';
import { Freshness } from './freshness.js';
import type { NewestEvent } from './judge-freshness.js';
import styles from './segment-panel.module.css';

/** One segment: what it means, how it stands, who is in it. */
export function SegmentPanel({ segment, newest, className }: { readonly segment: Segment; readonly newest: NewestEvent; readonly className?: string }) {
  const warnings = (segment.warnings ?? []).map((warning) => (typeof warning === 'string' ? warning : warning.detail));
  return (
    <Panel title={segment.name} aside={<code>{segment.key}</code>} className={className ?? ''} tools={<IconButton icon="close" label="Close segment" onClick={() => navigate(withParams({ segment: null }))} />}>
      {warnings.map((warning) => (
        <Banner key={warning} tone="warning">
          {warning}
        </Banner>
      ))}
      <div className={styles.head}>
        <p className={styles.count}>
          {formatCount(segment.count)} <span>{segment.count === 1 ? 'member' : 'members'}</span>
        </p>
        <p className={styles.facts}>
          <Freshness segment={segment} newest={newest} />
          <span>version {segment.version}</span>
        </p>
        <Movements segment={segment} />
        {segment.description && <p className={styles.description}>{segment.description}</p>}
      </div>
      <section className={styles.section} aria-label="Rule">
        <h3 className={styles.title}>{segment.stay ? 'Enters when' : 'Members are those with'}</h3>
        <RuleTree node={segment.rule} />
        {segment.stay && (
          <>
            <h3 className={styles.title}>Stays while</h3>
            <RuleTree node={segment.stay} />
          </>
        )}
      </section>
      <Members segmentKey={segment.key} key={segment.key} />
    </Panel>
  );
}

function Movements({ segment: { entered, left } }: { readonly segment: Segment }) {
  if (entered === undefined || left === undefined) return null;
  return (
    <table className={styles.moves}>
      <thead className="visually-hidden">
        <tr>
          <th scope="col">Period</th>
          <th scope="col">Entered</th>
          <th scope="col">Left</th>
        </tr>
      </thead>
      <tbody>
        {(['hour', 'day'] as const).map((period) => (
          <tr key={period}>
            <th scope="row">Last {period}</th>
            <td className={styles.entered}>{formatCount(entered[period])} entered</td>
            <td className={styles.left}>{formatCount(left[period])} left</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Members({ segmentKey }: { readonly segmentKey: string }) {
  const [more, setMore] = useState<readonly Member[]>([]);
  const [cursor, setCursor] = useState<string | null | undefined>(undefined);
  const [failure, setFailure] = useState<Error | null>(null);
  const { data, error, isLoading, reload } = useQuery(`members ${segmentKey}`, (signal) => listMembers(segmentKey, null, signal));
  const next = cursor === undefined ? (data?.cursor ?? null) : cursor;
  const loadMore = async () => {
    setFailure(null);
    try {
      const page = await listMembers(segmentKey, next, AbortSignal.timeout(20_000));
      setMore((before) => [...before, ...page.members]);
      setCursor(page.cursor);
    } catch (problem) {
      setFailure(problem as Error);
    }
  };
  return (
    <section className={styles.section} aria-label="Members">
      <h3 className={styles.title}>
        Members {data !== null && data.asOf !== null && <span className={styles.asOf}>as of <Instant at={data.asOf} form="ago" /></span>}
      </h3>
      {isLoading && <Skeleton lines={4} label="Loading members" />}
      {error !== null && data === null && <ErrorState title="The members could not be loaded" error={error} onRetry={reload} />}
      {data?.members.length === 0 && <EmptyState icon="person" title="Nobody is in it">Whoever meets the rule appears within milliseconds.</EmptyState>}
      <ul className={styles.members}>
        {[...(data?.members ?? []), ...more].map((member) => (
          <MemberItem key={member.profileId} member={member} />
        ))}
      </ul>
      {failure !== null && <Banner tone="danger">{failure.message}</Banner>}
      {next !== null && <Button onClick={() => void loadMore()}>Show more</Button>}
    </section>
  );
}

/** The list of members has ids only; names are asked for one by one. */
function MemberItem({ member: { profileId, since } }: { readonly member: Member }) {
  const { data: profile } = useQuery(`profile ${profileId}`, (signal) => getProfile(profileId, signal));
  return (
    <li>
      <Link params={{ person: profileId }} className={styles.member}>
        {profile === null ? <code>{profileId}</code> : <span className={styles.name}>{personName(profile)}</span>}
        {profile !== null && <span className={styles.label}>{personLabel(profile.identifiers, profileId)}</span>}
        <span className={styles.since}>
          <Instant at={since} />
        </span>
      </Link>
    </li>
  );
}
