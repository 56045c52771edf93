/**
 * A small invented shop, for tests of the console and for looking at it without the rest of the product. It answers in
 * the shapes of the public contract; nothing in it decides anything.
 */
import type { SegmentChange } from '@tributary/contracts/change';
import type { Entry } from '@tributary/contracts/entry';
import type { RuleNode } from '@tributary/contracts/rule';

export const WORKSPACE = 'ws_demo';
export const ADMIN_KEY = 'ak_only-the-console-knows-this';

export interface PlaySegment {
  readonly key: string;
  readonly name: string;
  readonly description: string;
  readonly rule: RuleNode;
  readonly stay?: RuleNode;
  readonly status: 'backfilling' | 'live' | 'paused';
  readonly lagMs: number;
  readonly warnings: readonly string[];
  readonly createdAt: string;
  count: number;
}

export interface PlayPerson {
  readonly id: string;
  readonly userId: string;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly plan: string;
  readonly country: string;
  readonly score: number;
  /** Segment key → since, epoch ms. */
  readonly memberships: Map<string, number>;
  /** Oldest first. */
  readonly changes: SegmentChange[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

export const SEGMENTS: readonly PlaySegment[] = [
  segment('hot-leads', 'Hot Leads', 'Engaged in the last week and looked at a product twice', 1_284, {
    and: [
      { score: 'engagement', op: 'gt', value: 70 },
      { performed: 'Product Viewed', within: '7d', count: { op: 'gte', value: 2 } },
      { not: { performed: 'Order Completed', within: '7d' } },
    ],
  }),
  segment('warm-prospects', 'Warm Prospects', 'Opens mail, has not bought for a month', 3_907, {
    and: [{ score: 'engagement', op: 'between', value: [30, 70] }, { not: { performed: 'Order Completed', within: '30d' } }],
  }),
  segment('cold-contacts', 'Cold Contacts', 'Low engagement', 12_460, { score: 'engagement', op: 'lt', value: 30 }),
  segment('high-value', 'High value', 'Enters above 80, stays until the score falls below 50', 861, { score: 'engagement', op: 'gt', value: 80 }, {
    stay: { score: 'engagement', op: 'gte', value: 50 },
  }),
  segment('dormant', 'Dormant', 'Nothing seen for 90 days', 5_233, { not: { performed: 'page', within: '90d' } }, { lagMs: 4_200 }),
  segment('cart-abandoned', 'Cart abandoned', 'Added to the cart, no order within 30 minutes', 96, {
    sequence: [
      { performed: 'Product Added', as: 'cart' },
      { performed: 'Order Completed', within: '30m', absent: true },
    ],
    within: '1d',
  }),
  segment('spring-sale-2027', 'Spring sale 2027', 'People to invite to the sale', 0, {
    and: [{ trait: 'country', op: 'in', value: ['DE', 'FR', 'NL'] }, { consent: 'email_marketing', is: 'granted' }],
  }, { status: 'backfilling', warnings: ['No profile has the trait "country" yet.'] }),
];

const FIRST = ['Amara', 'Jonas', 'Mei', 'Priya', 'Luca', 'Sofia', 'Tomás', 'Ingrid', 'Kwame', 'Yuki', 'Elif', 'Noah', 'Zoë', 'Mateo', 'Hana', 'Oluwaseun'];
const LAST = ['Okafor', 'Lindqvist', 'Zhang', 'Raman', 'Bianchi', 'Moreau', 'Herrera', 'Solberg', 'Mensah', 'Tanaka', 'Yıldız', 'Fischer'];

export const PEOPLE: readonly PlayPerson[] = Array.from({ length: 48 }, (_, index) => person(index));

export interface PlayEvent {
  readonly person: PlayPerson;
  readonly type: 'track' | 'page' | 'identify';
  readonly name: string;
  readonly atMs: number;
  readonly messageId: string;
  readonly body: { readonly [field: string]: unknown };
}

const PRODUCTS = ['Oak desk lamp', 'Linen throw', 'Stoneware mug', 'Cork notebook', 'Wool socks', 'Enamel kettle'];

/** The n-th event of the shop, by one of its people. */
export function playEvent(n: number, atMs: number): PlayEvent {
  const who = PEOPLE[mix(n) % PEOPLE.length] as PlayPerson;
  const kinds = ['page', 'page', 'Product Viewed', 'Product Viewed', 'Product Added', 'Email Opened', 'Order Completed', 'identify'] as const;
  const kind = kinds[mix(n + 7) % kinds.length] as (typeof kinds)[number];
  const product = PRODUCTS[mix(n + 3) % PRODUCTS.length] as string;
  const type = kind === 'page' || kind === 'identify' ? kind : 'track';
  const name = kind === 'identify' ? '' : kind;
  const details = {
    'page': { name: product, properties: { path: `/products/${product.toLowerCase().replaceAll(' ', '-')}`, title: product, referrer: 'https://search.example/' } },
    'identify': { traits: { email: who.email, firstName: who.firstName, plan: who.plan } },
    'Product Viewed': { properties: { product_id: `p_${mix(n) % 900}`, name: product, price: 12 + (mix(n) % 80), currency: 'EUR' } },
    'Product Added': { properties: { cart_id: `c_${mix(n) % 9000}`, name: product, quantity: 1 + (mix(n) % 3), price: 12 + (mix(n) % 80) } },
    'Email Opened': { properties: { email_id: `e_${mix(n) % 9000}`, subject: 'Something you may like' } },
    'Order Completed': { properties: { order_id: `o_${mix(n) % 90_000}`, revenue: 20 + (mix(n) % 200), currency: 'EUR' } },
  }[kind];
  const messageId = `m_${n.toString(36)}_${mix(n).toString(36)}`;
  const timestamp = new Date(atMs).toISOString();
  return { person: who, type, name, atMs, messageId, body: { type, ...(type === 'track' ? { event: name } : {}), userId: who.userId, messageId, timestamp, ...details } };
}

export function playEntry(event: PlayEvent, offset: number): Entry {
  return {
    kind: 'event', workspace: WORKSPACE, profileId: event.person.id, type: event.type, name: event.name, messageId: event.messageId,
    timestampMs: event.atMs, appendedAtMs: event.atMs + 3, source: 0, offset, body: Buffer.from(JSON.stringify(event.body)),
  };
}

/** The n-th change: its person moves in or out of one segment. */
export function playChange(n: number, atMs: number): SegmentChange {
  const who = PEOPLE[mix(n + 11) % PEOPLE.length] as PlayPerson;
  return moveIn(who, SEGMENTS[mix(n + 5) % (SEGMENTS.length - 1)] as PlaySegment, n, atMs);
}

function moveIn(who: PlayPerson, where: PlaySegment, n: number, atMs: number): SegmentChange {
  const isIn = who.memberships.has(where.key);
  if (isIn) who.memberships.delete(where.key);
  else who.memberships.set(where.key, atMs);
  where.count += isIn ? -1 : 1;
  const cause = isIn ? (mix(n) % 3 === 0 ? 'event' : 'time') : mix(n) % 9 === 0 ? 'late' : 'event';
  const change: SegmentChange = {
    workspace: WORKSPACE, profileId: who.id, identifiers: identifiersOf(who), segment: where.key, change: isIn ? 'left' : 'entered',
    effectiveAt: new Date(atMs).toISOString(), processedAt: new Date(atMs + 4 + (mix(n) % 40)).toISOString(), cause, definitionVersion: 3,
    sequence: who.changes.length + 1,
    reason: {
      nodes: [{ path: '/rule/and/0', holds: !isIn, actual: who.score }],
      ...(cause === 'time' ? {} : { event: { messageId: `m_${n}`, name: 'Product Viewed', timestamp: new Date(atMs - 2).toISOString() } }),
    },
  };
  who.changes.push(change);
  return change;
}

export function identifiersOf(who: PlayPerson): { type: string; value: string }[] {
  return [{ type: 'userId', value: who.userId }, { type: 'email', value: who.email }, { type: 'anonymousId', value: `anon-${who.id.slice(0, 8)}` }];
}

/** By profile id or `<type>:<value>`. */
export function findPerson(ref: string): PlayPerson | undefined {
  return PEOPLE.find((who) => who.id === ref || identifiersOf(who).some(({ type, value }) => `${type}:${value}` === ref));
}

/** Spreads small numbers; the same on every run. */
export function mix(n: number): number {
  let x = (n + 0x9e3779b9) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b) >>> 0;
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35) >>> 0;
  return (x ^ (x >>> 16)) >>> 0;
}

function segment(
  key: string, name: string, description: string, count: number, rule: RuleNode,
  more: { stay?: RuleNode; status?: PlaySegment['status']; lagMs?: number; warnings?: readonly string[] } = {},
): PlaySegment {
  return { key, name, description, rule, status: 'live', lagMs: 8, warnings: [], createdAt: '2026-11-02T09:00:00.000Z', count, ...more };
}

function person(index: number): PlayPerson {
  const firstName = FIRST[index % FIRST.length] as string;
  const lastName = LAST[mix(index) % LAST.length] as string;
  const hex = (mix(index + 1).toString(16) + mix(index + 2).toString(16) + mix(index + 3).toString(16) + mix(index + 4).toString(16)).padEnd(32, '0').slice(0, 32);
  const sinceMs = Date.now() - 2 * DAY_MS;
  const who: PlayPerson = {
    id: `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`,
    userId: String(40 + index),
    email: `${ascii(firstName)}.${ascii(lastName)}@shop.example`,
    firstName,
    lastName,
    plan: ['free', 'pro', 'team'][index % 3] as string,
    country: ['DE', 'FR', 'NL', 'ES'][index % 4] as string,
    score: Math.round((mix(index + 20) % 10_000) / 10) / 10,
    memberships: new Map(),
    changes: [],
  };
  SEGMENTS.slice(0, 6).forEach((where, at) => mix(index * 7 + at) % 3 === 0 && moveIn(who, where, at, sinceMs + at * 7 * HOUR_MS));
  return who;
}

function ascii(name: string): string {
  return name.normalize('NFD').replace(/[^\x20-\x7e]/g, '').toLowerCase();
}
