/**
 * One data-modifying statement with parameters $1…$n of its own, e.g.
 * `insert into t select * from unnest($1::uuid[], $2::text[])`. Several are joined into one statement, so that a batch
 * commits in one round trip: none of them sees what another one writes, and no row may be written by two.
 */
export interface Write {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** A statement made of data-modifying parts, run for `select`. */
export interface Statement {
  /** Stable for the same parts: the name under which it is prepared. */
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
}

const namesByText = new Map<string, string>();

/**
 * Joins writes into one statement `with w0 as (…), w1 as (…) select …`. Everything in it happens, or nothing does.
 * @param select the closing query; it may use parameters $1…$n of `selectValues`
 */
export function joinWrites(writes: readonly Write[], select = 'select 1', selectValues: readonly unknown[] = []): Statement {
  const values: unknown[] = [...selectValues];
  const parts = writes.map((write, index) => {
    const shift = values.length;
    values.push(...write.values);
    const text = write.text.replace(/\$(\d+)/g, (_, number: string) => `$${Number(number) + shift}`);
    return `w${index} as (${text})`;
  });
  const text = parts.length === 0 ? select : `with ${parts.join(', ')} ${select}`;
  let name = namesByText.get(text);
  if (name === undefined) {
    name = `w${namesByText.size}`;
    namesByText.set(text, name);
  }
  return { name, text, values };
}
