// The fault driver in short (docs/faults.md): a few of the faults, every promise checked.
import { catalogue } from '../../tools/faults/catalogue.ts';
import { describeRun, findingsOf } from '../../tools/faults/report.ts';
import { runFaults, type RunResult } from '../../tools/faults/run-faults.ts';
import { makeTestDir, removeTestDir } from '../../tools/test-dir.ts';

jest.setTimeout(400_000);

/** One of each sort; the others, and more of them, are for `npm run faults`. */
const KINDS = ['kill-at-point', 'zombie', 'absence', 'server-kill', 'cut-kafka', 'poison'];

let result: RunResult;

beforeAll(async () => {
  const dir = makeTestDir();
  const told: string[] = [];
  try {
    result = await runFaults({
      dir, layout: 'compact', seed: 20_261_124, faults: 8, minutes: null, people: 80, perSecond: 80, mutation: null,
      kinds: catalogue.filter(({ name }) => KINDS.includes(name)), report: (sentence) => void told.push(sentence),
    });
  } catch (error) {
    throw new Error(`${told.join('\n')}\n${(error as Error).message}`, { cause: error });
  } finally {
    removeTestDir(dir);
  }
});

it('whatever happens to processes, servers and wires: nothing is lost, doubled or wrong', () => {
  if (findingsOf(result).length > 0) console.info(describeRun(result));
  expect(findingsOf(result)).toEqual([]);
});

it('the faults were really done, and every promise was looked at', () => {
  expect(result.injected.filter(({ done }) => done !== null).length).toBeGreaterThanOrEqual(6);
  expect(result.sent.events).toBeGreaterThan(1_000);
  expect(result.verdicts.filter(({ checked }) => checked === 0).map(({ title }) => title)).toEqual([]);
});
