import cases from './derive-event-time.cases.json' with { type: 'json' };
import { deriveEventTime } from './derive-event-time.js';

describe('the time of an event is', () => {
  test.each(cases)('$name', ({ times, ms }) => {
    expect(deriveEventTime(times)).toBe(ms);
  });
});
