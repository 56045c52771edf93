import cases from './read-facts.cases.json' with { type: 'json' };
import { readFacts } from './read-facts.js';

describe('what an event says', () => {
  test.each(cases)('$name', ({ type, event, body, facts }) => {
    const readBody = (): unknown => {
      if (body === null) throw new Error('this body is not to be read');
      return body;
    };
    expect(readFacts({ type, name: event }, readBody)).toEqual(facts);
  });

  test('an id of any length is remembered in bounded space, and different ones stay different', () => {
    const idOf = (emailId: string): string => (readFacts({ type: 'track', name: 'Email Opened' }, () => ({ properties: { email_id: emailId } })) as { emailId: string }).emailId;
    expect(idOf('x'.repeat(30_000)).length).toBeLessThan(60);
    expect(idOf('x'.repeat(30_000))).not.toBe(idOf('x'.repeat(30_001)));
    expect(idOf('x'.repeat(100))).toBe('x'.repeat(100));
  });
});
