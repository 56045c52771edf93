import cases from './detect-machine.cases.json' with { type: 'json' };
import { detectMachine, type TrackedRequest } from './detect-machine.js';

const aPerson: TrackedRequest = {
  kind: 'click', method: 'GET', purpose: '', sinceDeliveryMs: 60_000,
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
};

describe('who asked for a pixel or a link', () => {
  test.each(cases)('$name', ({ request, expect: expected }) => {
    expect(detectMachine({ ...aPerson, ...request } as TrackedRequest)).toEqual(expected);
  });
});
