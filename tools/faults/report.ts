// What a run comes to, for people.
import type { RunResult } from './run-faults.ts';
import type { Finding } from './finding.ts';

const EXAMPLES_MAX = 5;

export function findingsOf({ verdicts }: RunResult): Finding[] {
  return verdicts.flatMap(({ findings }) => findings);
}

export function describeRun(result: RunResult): string {
  const { injected, sent, verdicts } = result;
  const done = injected.filter((one) => one.done !== null);
  const counts = Map.groupBy(done, ({ name }) => name);
  const missed = Map.groupBy(injected.filter((one) => one.done === null), ({ name }) => name);
  const of = (kind: Finding['kind']): number => findingsOf(result).filter((finding) => finding.kind === kind).length;
  return [
    '',
    '| invariant | promise | looked at | lost | doubled | wrong |',
    '|---|---|---|---|---|---|',
    ...verdicts.map(({ invariants, title, checked, findings }) => {
      const count = (kind: Finding['kind']) => findings.filter((finding) => finding.kind === kind).length;
      return `| ${invariants} | ${title} | ${checked} | ${count('lost')} | ${count('doubled')} | ${count('wrong')} |`;
    }),
    ...verdicts.flatMap(({ findings }) => findings.slice(0, EXAMPLES_MAX).map(({ kind, what }) => `  ${kind}: ${what}`)),
    '',
    `faults by kind: ${[...counts].map(([name, all]) => `${name} ${all.length}`).join(', ') || 'none'}`,
    ...(missed.size > 0 ? [`could not be done: ${[...missed].map(([name, all]) => `${name} ${all.length}`).join(', ')}`] : []),
    '',
    '| seed | faults injected | events sent | attempts | unanswered | lost | doubled | wrong |',
    '|---|---|---|---|---|---|---|---|',
    `| ${result.seed} | ${done.length} | ${sent.events} | ${sent.attempts} | ${sent.unanswered} | ${of('lost')} | ${of('doubled')} | ${of('wrong')} |`,
  ].join('\n');
}
