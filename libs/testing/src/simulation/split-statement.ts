// Takes apart again what joinWrites has joined.

export interface Part {
  readonly text: string;
  /** Where its own parameters begin in those of the whole, and how many they are. */
  readonly from: number;
  readonly count: number;
}

const known = new Map<string, readonly Part[]>();

/** The parts of `with w0 as (…), w1 as (…) select …`; a statement that was not joined is one part. */
export function splitStatement(text: string): readonly Part[] {
  const parts = known.get(text) ?? split(text);
  known.set(text, parts);
  return parts;
}

function split(text: string): Part[] {
  if (!text.startsWith('with w0 as (')) return [partOf(text)];
  return text.split(/(?:^with |\), )w\d+ as \(/).slice(1).map((piece) => partOf(piece));
}

function partOf(text: string): Part {
  // Of the last part the closing query is left in; it names only parameters before those of the parts.
  const own = text.replace(/\) select stream\.fence.*$/s, '').replace(/\) select 1$/, '');
  const numbers = [...own.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number));
  const from = Math.min(...numbers) - 1;
  return { text: own.trimStart(), from, count: Math.max(...numbers) - from };
}
