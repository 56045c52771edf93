// The demo's people and events, made of the slice of real purchases in demo/complete-journey (see its README).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';

export interface DemoEvent {
  readonly atMs: number;
  readonly message: { readonly type: string; readonly messageId: string; readonly userId: string; readonly [field: string]: unknown };
}

type Row = Record<string, string>;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const FOLDER = join(import.meta.dirname, 'complete-journey');

/** All events in order of time, with dates moved so that the newest happens at `endMs`. */
export function readJourney(endMs: number): DemoEvent[] {
  const events = [...households(), ...baskets(), ...mailings()].sort((left, right) => left.atMs - right.atMs);
  const shiftMs = endMs - Math.max(...events.map(({ atMs }) => atMs));
  return events.map(({ atMs, message }) => ({ atMs: atMs + shiftMs, message: { ...message, timestamp: new Date(atMs + shiftMs).toISOString() } }));
}

function households(): DemoEvent[] {
  const firstMs = Date.parse('2017-10-01T00:00:00Z');
  return read('households').map((row) => {
    const userId = userOf(row);
    const traits = { email: `household-${row['household_id']}@example.com`, firstName: `Household ${row['household_id']}`, age: row['age'], income: row['income'], home: row['home_ownership'], kids: row['kids_count'] };
    return { atMs: firstMs, message: { type: 'identify', messageId: `demo-identify-${row['household_id']}`, userId, traits } };
  });
}

function baskets(): DemoEvent[] {
  const byBasket = Map.groupBy(read('purchases'), (row) => row['basket_id'] as string);
  return [...byBasket].flatMap(([basket, rows]) => {
    const first = rows[0] as Row;
    const userId = userOf(first);
    const orderMs = Date.parse(first['transaction_timestamp'] as string);
    const total = Math.round(rows.reduce((sum, row) => sum + Number(row['sales_value']), 0) * 100) / 100;
    const track = (event: string, minutesBefore: number, properties: object): DemoEvent => ({
      atMs: orderMs - minutesBefore * MINUTE_MS,
      message: { type: 'track', event, messageId: `demo-${event.toLowerCase().replaceAll(' ', '-')}-${basket}-${minutesBefore}`, userId, properties },
    });
    const visit = (daysBefore: number): DemoEvent => ({
      atMs: orderMs - daysBefore * DAY_MS,
      message: { type: 'page', messageId: `demo-visit-${basket}-${daysBefore}`, userId, name: 'Home', properties: { path: '/' } },
    });
    const way: DemoEvent[] = [
      visit(2), visit(1),
      { atMs: orderMs - 12 * MINUTE_MS, message: { type: 'page', messageId: `demo-page-${basket}`, userId, name: 'Shop', properties: { path: '/shop' } } },
      ...rows.slice(0, 5).map((row, index) => track('Product Added', 10 - index, { cart_id: basket, product_id: row['product_id'], category: row['category'], price: Number(row['sales_value']), quantity: Number(row['quantity']) })),
      track('Checkout Started', 3, { cart_id: basket, value: total, currency: 'USD' }),
    ];
    // One basket in ten is left at the checkout; which ones is fixed by the basket.
    if (hashOf(basket) % 10 === 0) return way;
    return [...way, track('Order Completed', 0, { order_id: basket, cart_id: basket, total, revenue: total, currency: 'USD', products: rows.map((row) => ({ product_id: row['product_id'], category: row['category'], price: Number(row['sales_value']), quantity: Number(row['quantity']) })) })];
  });
}

function mailings(): DemoEvent[] {
  const redeemed = new Map(read('redemptions').map((row) => [`${row['campaign_id']}-${row['household_id']}`, Date.parse(row['redemption_date'] as string)]));
  return read('mailings').flatMap((row) => {
    const emailId = `${row['campaign_id']}-${row['household_id']}`;
    const userId = userOf(row);
    const track = (event: string, atMs: number): DemoEvent => ({
      atMs,
      message: { type: 'track', event, messageId: `demo-${event.toLowerCase().replaceAll(' ', '-')}-${emailId}`, userId, properties: { email_id: emailId, campaign: row['campaign_id'] } },
    });
    const delivered = track('Email Delivered', Date.parse(row['start_date'] as string) + (hashOf(emailId) % 24) * 3_600_000);
    const redeemedMs = redeemed.get(emailId);
    if (redeemedMs === undefined) return [delivered];
    const openedMs = Math.max(redeemedMs, delivered.atMs + DAY_MS / 24);
    return [delivered, track('Email Opened', openedMs), track('Email Link Clicked', openedMs + 2 * MINUTE_MS)];
  });
}

function read(name: string): Row[] {
  return parse(readFileSync(join(FOLDER, `${name}.csv`)), { columns: true }) as Row[];
}

function userOf(row: Row): string {
  return `household-${row['household_id']}`;
}

function hashOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE();
}
