import type { SegmentChange } from '@tributary/contracts/change';
import cases from './match-automation.cases.json' with { type: 'json' };
import { type AutomationTrigger, matchAutomation } from './match-automation.js';

function aTrigger(over: object): AutomationTrigger {
  return { segment: 'vip', on: 'entered', includeExisting: false, actsSinceMs: Date.parse('2026-01-01T00:00:00.000Z'), ...over };
}

function aChange(over: object): SegmentChange {
  return {
    workspace: 'ws_1', profileId: '00000000-0000-4000-8000-000000000001', identifiers: [], segment: 'vip', change: 'entered',
    effectiveAt: '2026-03-01T10:00:00.000Z', processedAt: '2026-03-01T10:00:00.000Z', cause: 'event', definitionVersion: 1, sequence: 1,
    reason: { nodes: [] }, ...over,
  };
}

describe('an automation and a change', () => {
  test.each(cases)('$name', ({ trigger, change, expect: expected }) => {
    expect(matchAutomation(aTrigger(trigger), aChange(change))).toEqual(expected);
  });
});
