import type { RuleNode } from '@tributary/contracts/rule';
import { useEffect } from 'react';
import { getMembership, type Membership, type Why } from '../../api/segments.js';
import { useQuery } from '../../api/use-query.js';
import { Chip } from '../../design/chip.js';
import { classes } from '../../design/class-names.js';
import { Icon } from '../../design/icon.js';
import { Instant } from '../../design/instant.js';
import { useNow } from '../../design/now.js';
import { ErrorState, Skeleton } from '../../design/notice.js';
import { formatClock, formatDuration } from '../../format/format-instant.js';
import { titleOf } from '../live/live-event.js';
import { describeActual, describeWhy } from './describe-why.js';
import styles from './why-view.module.css';

interface WhyViewProps {
  readonly profileId: string;
  readonly segmentKey: string;
  readonly changeCount: number;
}

const FRESH_EVERY_MS = 5_000;
const EVENTS_SHOWN = 3;

/** Why somebody is or is not in a segment: every node of the rule, whether it holds, and by what. */
export function WhyView({ profileId, segmentKey, changeCount }: WhyViewProps) {
  const { data, error, reload } = useQuery(`why ${segmentKey} ${profileId}`, (signal) => getMembership(segmentKey, profileId, signal), { everyMs: FRESH_EVERY_MS });
  useEffect(() => {
    if (changeCount > 0) reload();
  }, [changeCount, reload]);
  if (data === null) return error === null ? <Skeleton lines={3} label="Loading the reasons" /> : <ErrorState title="The reasons could not be loaded" error={error} onRetry={reload} />;
  return (
    <div className={styles.why}>
      <Flip membership={data} />
      {data.why === null ? (
        <p>This segment is being filled. The reasons follow once it is live.</p>
      ) : (
        <ul aria-label="Why">
          <Node why={data.why} />
        </ul>
      )}
      {data.asOf !== null && (
        <p className={styles.asOf}>
          Exact as of <Instant at={data.asOf} form="ago" />
        </p>
      )}
    </div>
  );
}

/** What time alone will do. */
function Flip({ membership: { flipsAt, member } }: { readonly membership: Membership }) {
  const nowMs = useNow();
  if (flipsAt === null) return null;
  const atMs = Date.parse(flipsAt);
  return (
    <p className={styles.flip}>
      <Icon name="clock" size={14} />
      <span>
        {member ? 'Leaves' : 'Enters'} in <strong className="tabular">{formatDuration(atMs - nowMs)}</strong>, at <time dateTime={flipsAt}>{formatClock(atMs)}</time>, if nothing happens
      </span>
    </p>
  );
}

function Node({ why }: { readonly why: Why }) {
  const rule = ruleOf(why);
  const actual = describeActual(why, rule);
  const more = why.events.length - EVENTS_SHOWN;
  return (
    <li className={styles.node}>
      <div className={styles.sentence}>
        <span className={classes(styles.mark, why.holds ? styles.holds : styles.fails)}>
          <Icon name={why.holds ? 'check' : 'cross'} size={12} />
          <span className="visually-hidden">{why.holds ? 'holds:' : 'does not hold:'}</span>
        </span>
        <span className={why.children.length > 0 ? styles.joint : styles.leaf}>{describeWhy(why, rule)}</span>
        {actual !== null && (
          <span className={styles.actual}>
            <Chip tone={why.holds && why.children.length === 0 ? 'entered' : 'neutral'} tip={why.approximate ? 'More events than are kept one by one: this is approximate' : 'What it is for this person'}>
              {why.approximate ? '≈ ' : ''}
              {actual}
            </Chip>
          </span>
        )}
      </div>
      {why.events.length > 0 && (
        <ul className={styles.events}>
          {why.events.slice(-EVENTS_SHOWN).map((event, at) => (
            <li key={event.messageId ?? at}>
              {titleOf(event.name, event.name)} <Instant at={event.timestamp} form="ago" />
            </li>
          ))}
          {more > 0 && <li>and {more} before</li>}
        </ul>
      )}
      {why.children.length > 0 && (
        <ul className={styles.children}>
          {why.children.map((child) => (
            <Node key={child.path} why={child} />
          ))}
        </ul>
      )}
    </li>
  );
}

function ruleOf({ node, rule }: Why): RuleNode | null {
  const found = rule ?? node;
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as unknown as RuleNode) : null;
}
