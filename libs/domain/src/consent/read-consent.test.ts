import { readConsent } from './read-consent.js';

const AT = Date.parse('2026-03-01T12:00:00.000Z');
const APPENDED = AT + 1_000;
const minimal = { purpose: 'email_marketing', decision: 'granted' };

describe('a consent event', () => {
  test('says who allows what, when, how and on which text', () => {
    const properties = { ...minimal, occurredAt: '2026-02-01T10:00:00Z', source: 'form', textVersion: 3, jurisdiction: 'GDPR', proof: { ip: '203.0.113.0' } };
    expect(readConsent(properties, AT, APPENDED)).toEqual({
      purpose: 'email_marketing', decision: 'granted', occurredAtMs: Date.parse('2026-02-01T10:00:00Z'),
      source: 'form', textVersion: '3', jurisdiction: 'GDPR', proof: { ip: '203.0.113.0' },
    });
  });

  test.each([[undefined], [null], ['yesterday'], [true], [['2026-01-01']]])('with %j for a time was decided at the time of its event', (occurredAt) => {
    expect(readConsent({ ...minimal, occurredAt }, AT, APPENDED)?.occurredAtMs).toBe(AT);
  });

  test('of the future is brought back to when it became known', () => {
    expect(readConsent({ ...minimal, occurredAt: '2999-01-01' }, AT, APPENDED)?.occurredAtMs).toBe(APPENDED);
    expect(readConsent({ ...minimal, occurredAt: 1e300 }, AT, APPENDED)?.occurredAtMs).toBe(APPENDED);
  });

  test('with an absurd past keeps a time that can be stored', () => {
    expect(readConsent({ ...minimal, occurredAt: -1e300 }, AT, APPENDED)?.occurredAtMs).toBe(-8.64e15);
  });

  test.each([
    [undefined], [null], ['granted'], [[]], [{}], [{ purpose: 'email_marketing' }], [{ decision: 'granted' }],
    [{ ...minimal, decision: 'maybe' }], [{ ...minimal, decision: true }], [{ ...minimal, purpose: 'E-Mail!' }], [{ ...minimal, purpose: 7 }],
  ])('%j can never be recorded', (properties) => {
    expect(readConsent(properties, AT, APPENDED)).toBeNull();
  });
});
