import { countEvent, newComputed, showComputed, uniteComputed } from './computed.js';

const first = { timeMs: 1_000, messageId: 'a', name: 'page' };
const middle = { timeMs: 2_000, messageId: 'b', name: 'Order Completed' };
const last = { timeMs: 2_000, messageId: 'c', name: 'Product Viewed' };

describe('the computed traits of every profile', () => {
  test('count events and orders, and know the first and the last by event order, not by arrival', () => {
    const computed = newComputed();
    for (const event of [last, first, middle]) countEvent(computed, event);
    expect(showComputed(computed)).toEqual({
      events_count: 3, orders_count: 1,
      first_seen_at: '1970-01-01T00:00:01.000Z', first_event: 'page', last_seen_at: '1970-01-01T00:00:02.000Z', last_event: 'Product Viewed',
    });
  });

  test('of a profile without events are zeroes', () => {
    expect(showComputed(newComputed())).toEqual({ events_count: 0, orders_count: 0 });
  });

  test('of a merged pair are those of all their events', () => {
    const [survivor, loser] = [newComputed(), newComputed()];
    countEvent(survivor, middle);
    countEvent(loser, last);
    countEvent(loser, first);
    uniteComputed(survivor, loser);
    uniteComputed(survivor, newComputed());
    expect(survivor).toEqual({ events: 3, orders: 1, first, last });
  });
});
