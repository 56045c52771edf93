import { getScoreParts, type Profile } from '../../api/profiles.js';
import { useQuery } from '../../api/use-query.js';
import { Chip } from '../../design/chip.js';
import { classes } from '../../design/class-names.js';
import { CopyText } from '../../design/copy-text.js';
import { Instant } from '../../design/instant.js';
import { formatDecimal, formatNoun } from '../../format/format-number.js';
import { initials } from '../../format/person-label.js';
import { personName } from './person-name.js';
import styles from './person-head.module.css';

const IDENTIFIERS_SHOWN = 6;

/** Who it is: name, scores, cluster, identifiers. */
export function PersonHead({ profile }: { readonly profile: Profile }) {
  const name = personName(profile);
  const shown = profile.identifiers.slice(0, IDENTIFIERS_SHOWN);
  const more = profile.identifiers.length - shown.length;
  return (
    <div className={styles.head}>
      <div className={styles.who}>
        <span className={styles.picture} aria-hidden="true">
          {initials(name)}
        </span>
        <div className={styles.names}>
          <h3 className={styles.name}>{name}</h3>
          <p className={styles.seen}>
            known for <Instant at={profile.createdAt} /> · changed <Instant at={profile.updatedAt} form="ago" />
          </p>
        </div>
      </div>
      {Object.entries(profile.scores).map(([key, score]) => (
        <Score key={key} profileId={profile.id} name={key} score={score} />
      ))}
      {profile.cluster && (
        <p>
          <Chip tone="accent" tip="Cluster">
            {profile.cluster}
          </Chip>
        </p>
      )}
      <dl className={styles.identifiers}>
        <dt>profile</dt>
        <dd>
          <code>
            <CopyText text={profile.id} />
          </code>
        </dd>
        {shown.map(({ type, value }) => (
          <div key={`${type}:${value}`} className={styles.pair}>
            <dt>{type}</dt>
            <dd>
              <CopyText text={value} />
            </dd>
          </div>
        ))}
      </dl>
      {more > 0 && <p className={styles.seen}>and {more} more identifiers</p>}
    </div>
  );
}

const FRESH_EVERY_MS = 10_000;

/** A score as a bar, and what it is made of where the service says. */
function Score({ profileId, name, score }: { readonly profileId: string; readonly name: string; readonly score: number }) {
  const { data: parts } = useQuery(`score ${name} of ${profileId}`, (signal) => getScoreParts(profileId, name, signal), { everyMs: FRESH_EVERY_MS });
  return (
    <div>
      <div className={styles.score}>
        <span className={styles.scoreName}>{name}</span>
        <span className={styles.track}>
          <span className={styles.level} style={{ width: `${Math.min(100, Math.max(0, score))}%` }} />
        </span>
        <span className={classes(styles.scoreValue, 'tabular')}>{formatDecimal(score)}</span>
      </div>
      {parts !== null && (
        <p className={styles.seen}>
          {parts.opened} opened and {parts.clicked} clicked of {formatNoun(parts.delivered, 'mail')} · {formatNoun(parts.sessions, 'visit')}
          {parts.changesAt !== null && (
            <>
              {' '}
              · changes <Instant at={parts.changesAt} />
            </>
          )}
        </p>
      )}
    </div>
  );
}
