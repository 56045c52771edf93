import { DEFAULT_POLICIES, isPurpose, permit } from './policy.js';

describe('a purpose', () => {
  test.each([
    ['opt-out', undefined, true, 'allowed_by_policy'],
    ['opt-in', undefined, false, 'not_granted'],
    ['opt-out', 'withdrawn', false, 'withdrawn'],
    ['opt-in', 'withdrawn', false, 'withdrawn'],
    ['opt-in', 'granted', true, 'granted'],
    ['opt-out', 'granted', true, 'granted'],
  ] as const)('that is %s, with decision %s, is allowed: %s', (policy, decision, allowed, reason) => {
    expect(permit(policy, decision)).toEqual({ allowed, reason });
  });

  test('begins as the contract says', () => {
    expect(Object.fromEntries(DEFAULT_POLICIES)).toEqual({
      behavioural_tracking: 'opt-out', profiling: 'opt-out', email_marketing: 'opt-in', data_sharing: 'opt-in',
    });
  });

  test.each([['email_marketing', true], ['sms-2', true], ['', false], ['Email', false], ['a b', false], ['x'.repeat(101), false], [7, false], [null, false]])('%j is a name: %s', (value, is) => {
    expect(isPurpose(value)).toBe(is);
  });
});
