import { nameFact } from './name-fact.js';

describe('a fact', () => {
  test.each(['Order Completed', 'Order Refunded', 'Order Cancelled'])('of %s is its order', (name) => {
    expect(nameFact('track', name, { order_id: 'o-1' })).toBe('o-1');
  });

  test('is compared as text: a number and its digits are one order', () => {
    expect(nameFact('track', 'Order Completed', { order_id: 17 })).toBe(nameFact('track', 'Order Completed', { order_id: '17' }));
  });

  test.each([undefined, null, '', true, {}, ['o-1']])('is not named by %p', (order_id) => {
    expect(nameFact('track', 'Order Completed', { order_id })).toBeNull();
  });

  test.each([undefined, null])('needs properties, not %p', (properties) => {
    expect(nameFact('track', 'Order Completed', properties)).toBeNull();
  });

  test('is reported by no other event', () => {
    expect(nameFact('track', 'Order Updated', { order_id: 'o-1' })).toBeNull();
    expect(nameFact('page', 'Order Completed', { order_id: 'o-1' })).toBeNull();
  });
});
