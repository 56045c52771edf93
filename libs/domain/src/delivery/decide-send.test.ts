import cases from './decide-send.cases.json' with { type: 'json' };
import { decideSend, type SendFacts } from './decide-send.js';

const allowed: SendFacts = {
  purpose: 'email_marketing', address: { kind: 'valid', address: 'ann@a.example' }, policy: 'opt-in',
  decisions: [{ decision: 'granted', atMs: 10 }], suppressions: [], missing: [],
};

describe('in the moment before a send', () => {
  test.each(cases)('$name', ({ facts, expect: expected }) => {
    expect(decideSend({ ...allowed, ...facts } as SendFacts)).toEqual(expected);
  });
});
