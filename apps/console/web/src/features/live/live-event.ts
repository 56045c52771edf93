import type { IconName } from '../../design/icon.js';
import type { LabelledIdentifier } from '../../format/person-label.js';

/** An event as the backend streams it. */
export interface LiveEvent {
  readonly profileId: string;
  readonly type: string;
  readonly name: string;
  readonly messageId: string;
  readonly timestamp: string;
  readonly appendedAt: string;
  readonly body: EventBody | null;
}

export interface EventBody {
  readonly [field: string]: unknown;
}

const ICONS: readonly (readonly [pattern: RegExp, icon: IconName])[] = [
  [/^(order|payment|checkout)/i, 'cart'],
  [/cart|product added|wishlist/i, 'cart'],
  [/^email|unsubscribed/i, 'mail'],
  [/viewed|page|screen/i, 'eye'],
];

export function iconOf(type: string, name: string): IconName {
  if (type === 'page' || type === 'screen') return 'eye';
  if (type === 'identify' || type === 'alias' || type === 'group') return 'person';
  return ICONS.find(([pattern]) => pattern.test(name))?.[1] ?? 'dot';
}

/** What an event is called on a page. */
export function titleOf(type: string, name: string): string {
  if (type === 'page') return 'Page viewed';
  if (type === 'screen') return 'Screen viewed';
  return name === '' || name === type ? type.slice(0, 1).toUpperCase() + type.slice(1) : name;
}

const SHOWN_FIRST = ['name', 'title', 'product_name', 'subject', 'path', 'url', 'plan', 'order_id', 'email', 'product_id'];

/** The few properties that tell one event from the next. */
export function summaryOf(body: EventBody | null): string {
  // A page's name stands beside its properties.
  const details: { readonly [field: string]: unknown } = { name: body?.['type'] === 'page' ? body['name'] : undefined, ...recordOf(body?.['traits']), ...recordOf(body?.['properties']) };
  const parts: string[] = [];
  const money = details['revenue'] ?? details['total'] ?? details['price'];
  if (typeof money === 'number') parts.push(typeof details['currency'] === 'string' ? `${money.toFixed(2)} ${details['currency']}` : String(money));
  for (const key of SHOWN_FIRST) {
    const value = details[key];
    if (parts.length < 2 && (typeof value === 'string' || typeof value === 'number') && value !== '') parts.push(String(value));
  }
  return [...new Set(parts.reverse())].join(' · ');
}

export function identifiersOf(body: EventBody | null): LabelledIdentifier[] {
  const context = recordOf(recordOf(body?.['context'])['traits']);
  const found: [string, unknown][] = [
    ['email', recordOf(body?.['traits'])['email'] ?? context['email']],
    ['userId', body?.['userId']],
    ['anonymousId', body?.['anonymousId']],
  ];
  return found.flatMap(([type, value]) => (typeof value === 'string' || typeof value === 'number' ? [{ type, value: String(value) }] : []));
}

function recordOf(value: unknown): { readonly [field: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as { [field: string]: unknown }) : {};
}
