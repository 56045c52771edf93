import cases from './classify-failure.cases.json' with { type: 'json' };
import { classifyFailure, retryAtMs, SEND_WITHIN_MS, type SendFailure } from './classify-failure.js';

describe('a mail that could not be handed over', () => {
  test.each(cases)('$name', ({ failure, expect: expected }) => {
    const whole = { replyCode: null, reply: '', isContentComplete: false, ...failure } as SendFailure;
    expect(classifyFailure(whole)).toEqual(expected);
  });
});

describe('trying again', () => {
  test('waits longer each time', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((attempts) => retryAtMs(attempts, 0, 0));
    expect(waits).toEqual([1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 3_600_000, 3_600_000]);
  });

  test('ends a day after the claim', () => {
    expect(retryAtMs(1, 0, SEND_WITHIN_MS - 1_000)).toBe(SEND_WITHIN_MS);
    expect(retryAtMs(1, 0, SEND_WITHIN_MS - 999)).toBeNull();
  });
});
