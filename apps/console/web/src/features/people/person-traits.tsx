import type { Json } from '@tributary/contracts/rule';
import type { Profile } from '../../api/profiles.js';
import { Instant } from '../../design/instant.js';
import { JsonView } from '../../design/json-view.js';
import { EmptyState } from '../../design/notice.js';
import styles from './person-traits.module.css';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** What the person is known to be: as told (traits) and as counted (computed). */
export function PersonTraits({ profile: { traits, computed } }: { readonly profile: Profile }) {
  if (Object.keys(traits).length + Object.keys(computed).length === 0) {
    return (
      <EmptyState icon="person" title="No traits yet">
        They come with <code>identify</code> calls.
      </EmptyState>
    );
  }
  return (
    <>
      <Group title="Traits" values={traits} />
      <Group title="Computed" values={computed} />
    </>
  );
}

function Group({ title, values }: { readonly title: string; readonly values: { readonly [name: string]: Json } }) {
  const entries = Object.entries(values).sort(([left], [right]) => left.localeCompare(right));
  if (entries.length === 0) return null;
  return (
    <section className={styles.group}>
      <h4 className={styles.title}>{title}</h4>
      <dl className={styles.list}>
        {entries.map(([name, value]) => (
          <div key={name} className={styles.pair}>
            <dt>{name}</dt>
            <dd>
              <Value value={value} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Value({ value }: { readonly value: Json }) {
  if (typeof value === 'object' && value !== null) return <JsonView value={value} />;
  if (typeof value === 'string' && INSTANT.test(value)) return <Instant at={value} form="ago" />;
  return <>{typeof value === 'string' ? value : JSON.stringify(value)}</>;
}
