import { messageIdOf, receiptOf } from './receipt-of.js';

describe('a receipt', () => {
  test('is the same for the same message and another for every other', () => {
    expect(receiptOf('ws_a', 'm1')).toBe(receiptOf('ws_a', 'm1'));
    expect(new Set([receiptOf('ws_a', 'm1'), receiptOf('ws_b', 'm1'), receiptOf('ws_a', 'm2')]).size).toBe(3);
  });

  test('is a UUID whatever the message id', () => {
    for (const id of ['m1', '', 'ünïcode', 'consent:', 'consent:not-a-uuid', 'x'.repeat(10_000)]) {
      expect(receiptOf('ws_a', id)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  test('that was given out before the message went into the stream is known again', () => {
    const receipt = '0b2f8f0a-1111-4222-8333-444455556666';
    expect(receiptOf('ws_a', messageIdOf(receipt))).toBe(receipt);
  });
});
