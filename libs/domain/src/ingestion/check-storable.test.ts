import cases from './check-storable.cases.json' with { type: 'json' };
import { checkStorable } from './check-storable.js';

describe('what PostgreSQL is asked to store', () => {
  test.each(cases)('$name', ({ json, refused }) => {
    expect(checkStorable(json)?.refused ?? null).toBe(refused);
  });

  test('a number of thousands of digits', () => {
    expect(checkStorable(`[0.${'1'.repeat(20_000)}]`)?.refused).toBe('unstorable_number');
    expect(checkStorable(`["${'1'.repeat(20_000)}"]`)).toBeNull();
  });
});
