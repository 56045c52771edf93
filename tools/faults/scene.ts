// Who takes part in a run, and what is asked about them: segments over short windows, so that time matters within minutes.
import type { SegmentDefinition } from '@tributary/domain/segmentation/sql/context';

/** What a person does in a run beside clicking and buying. */
export type Part = 'plain' | 'merges' | 'withdraws-mail' | 'withdraws-tracking' | 'twin';

export interface Person {
  readonly userId: string;
  readonly email: string;
  readonly part: Part;
  /** Known by this alone until the two are linked; where the person merges. */
  readonly anonymousId: string | null;
  /** Does the same in another order; of the first of two twins, the second. */
  readonly twin: string | null;
}

const PARTS: readonly Part[] = ['plain', 'merges', 'plain', 'twin', 'plain', 'withdraws-mail', 'plain', 'merges', 'plain', 'withdraws-tracking'];

export function makePeople(count: number, run: string): Person[] {
  return Array.from({ length: count }, (_, index) => {
    const userId = `${run}-u${index}`;
    const part = PARTS[index % PARTS.length] as Part;
    return { userId, email: `${userId}@example.com`, part, anonymousId: part === 'merges' ? `${run}-a${index}` : null, twin: part === 'twin' ? `${userId}-twin` : null };
  });
}

const clicked = (within: string, value: number): object => ({ performed: 'Clicked', within, count: { op: 'gte', value } });

/** Defined before the load and never edited: their past can be asked about. */
export const STEADY_SEGMENTS = [
  { key: 'active', rule: { performed: 'Clicked', within: '4s' } },
  { key: 'busy', rule: clicked('30s', 5) },
  { key: 'idle', rule: { and: [{ trait: 'plan', op: 'exists' }, { not: { performed: 'Clicked', within: '10s' } }] } },
  { key: 'spender', rule: { performed: 'Purchased', within: '20s', aggregate: { fn: 'sum', property: 'amount' }, op: 'gt', value: 100 } },
  { key: 'sticky', rule: clicked('20s', 6), stay: clicked('20s', 2) },
  { key: 'pro', rule: { and: [{ trait: 'plan', op: 'equals', value: 'pro' }, { performed: 'Clicked' }] } },
  { key: 'customer', rule: { performed: 'Order Completed', count: { op: 'gte', value: 2 } } },
  { key: 'regular', rule: clicked('6h', 3) },
  { key: 'visitor', rule: { score: 'engagement', op: 'gte', value: 6 } },
  { key: 'granted', rule: { consent: 'email_marketing', is: 'granted' } },
] as unknown as readonly SegmentDefinition[];

/** The rule of `regular`, defined when half of the history is there: it must have the same members. */
export const LATER_SEGMENT = { key: 'regular-later', rule: clicked('6h', 3) } as unknown as SegmentDefinition;

/** Edited again and again. */
export function editedSegment(threshold: number): SegmentDefinition {
  return { key: 'edited', rule: clicked('6h', threshold) } as unknown as SegmentDefinition;
}

export const MAILS = [
  { key: 'once', segment: 'busy', once: true },
  { key: 'each-time', segment: 'spender', once: false },
] as const;

export const TEMPLATE = {
  key: 'hello', name: 'Hello', format: 'html', language: 'liquid', subject: 'Hello',
  body: '<p>Hello <a href="{{ unsubscribe_url }}">unsubscribe</a></p>',
};
