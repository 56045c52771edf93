import { EXTERNAL_IDS_MAX } from './limits.js';
import cases from './read-identifiers.cases.json' with { type: 'json' };
import { readIdentifiers } from './read-identifiers.js';

describe('the identifiers of an event', () => {
  test.each(cases)('$name', ({ event, identifiers }) => {
    const { type, userId = null, anonymousId = null, traits, context } = event as { type: string; userId?: string; anonymousId?: string; traits?: unknown; context?: unknown };
    const found = readIdentifiers({ type, userId, anonymousId, traits, context });
    expect(found?.map((identifier) => [identifier.type, identifier.value]) ?? null).toEqual(identifiers);
  });

  test('of the workspace itself are bounded in number', () => {
    const externalIds = (count: number) => Array.from({ length: count }, (_, index) => ({ type: `t${index}`, id: 'x' }));
    const read = (count: number) => readIdentifiers({ type: 'track', userId: null, anonymousId: null, traits: null, context: { externalIds: externalIds(count) } });
    expect(read(EXTERNAL_IDS_MAX)).toHaveLength(EXTERNAL_IDS_MAX);
    expect(read(EXTERNAL_IDS_MAX + 1)).toBeNull();
  });
});
