import { countEvent, newComputed, uniteComputed } from './computed.js';

const first = { timeMs: 1_000, messageId: 'a', name: 'page' };
const middle = { timeMs: 2_000, messageId: 'b', name: 'Order Completed' };
const last = { timeMs: 2_000, messageId: 'c', name: 'Product Viewed' };

describe('the computed traits of every profile', () => {
  test('count events and orders, and know the first and the last by event order, not by arrival', () => {
    const computed = newComputed();
    for (const event of [last, first, middle]) countEvent(computed, event);
    expect(computed).toEqual({ events: 3, orders: 1, first, last });
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
