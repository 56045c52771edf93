// Poison is set aside where it was met; nothing else is.
import type { Evidence } from './evidence.ts';
import type { Poisoned } from './fault.ts';
import { doubled, type Finding, lost, type Verdict, wrong } from './finding.ts';

/** Stateless where they run alone: they may set the same record aside again after a crash. */
const AT_LEAST_ONCE = new Set(['consent', 'cleansing']);

export function checkParked({ parked }: Evidence, poisoned: readonly Poisoned[]): Verdict {
  const findings: Finding[] = [];
  const ours = new Set<string>();
  for (const { stage, mark } of poisoned) {
    // Where it came from tells records apart: what is sent again from the outbox is the same record twice, which is allowed.
    const found = parked.filter((record) => record.stage === stage && record.key?.toString() === mark);
    const origins = new Set(found.map(({ headers }) => `${headers['origin-topic']}/${headers['origin-partition']}/${headers['origin-offset']}`));
    for (const { key } of found) ours.add(String(key));
    if (origins.size === 0) findings.push(lost(`${mark} was put before ${stage} and was not set aside`));
    else if (origins.size > 1 && !AT_LEAST_ONCE.has(stage)) findings.push(doubled(`${mark} was set aside ${origins.size} times by ${stage}`));
  }
  for (const { stage, key, headers } of parked) {
    if (!ours.has(String(key))) findings.push(wrong(`${stage} set aside ${headers['origin-topic']}/${headers['origin-partition']}/${headers['origin-offset']}: ${headers['reason']}`));
  }
  return { invariants: '1', title: 'poison is set aside, and nothing else', checked: parked.length, findings };
}
