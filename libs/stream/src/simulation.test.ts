// Lines under a thousand crashes, in a world of their own: see @tributary/testing/simulation/simulate.
// SIMULATION_SEED=… tells one story again, SIMULATION_STEPS=… tells more of them.
import { simulate, type Story } from '@tributary/testing/simulation/simulate';
import { Reorder } from './reorder.js';
import type { Entry } from '@tributary/contracts/entry';

jest.setTimeout(600_000);

const STEPS = Number(process.env['SIMULATION_STEPS'] ?? 1_000_000);
const SEED = process.env['SIMULATION_SEED'];
/** So many stories must be enough to notice that a guard is missing. */
const STORIES_MAX = 60;

test('whatever happens to lines, every entry counts once and in order, no timer is early, and all is sent that was committed', async () => {
  const happened: Record<string, number> = {};
  let steps = 0;
  for (let seed = SEED === undefined ? 1 : Number(SEED); steps < STEPS; seed++) {
    const story = await simulate({ seed });
    expect({ seed, wrong: story.wrong }).toEqual({ seed, wrong: [] });
    steps += story.steps;
    for (const [what, count] of Object.entries(story.happened)) happened[what] = (happened[what] ?? 0) + count;
    if (SEED !== undefined) break;
  }
  console.info(`${steps} steps: ${JSON.stringify(happened)}`);
});

test('a seed tells the same story again', async () => {
  const [once, again] = [await simulate({ seed: 7 }), await simulate({ seed: 7 })];
  expect(again.trace).toBe(once.trace);
});

describe('a missing guard is noticed', () => {
  async function firstWrong(tell: (seed: number) => Promise<Story>): Promise<readonly string[]> {
    for (let seed = 1; seed <= STORIES_MAX; seed++) {
      const { wrong } = await tell(seed);
      if (wrong.length > 0) return wrong;
    }
    return [];
  }

  test.each(['fence', 'epoch', 'outbox'] as const)('%s', async (without) => {
    expect(await firstWrong((seed) => simulate({ seed, without }))).not.toEqual([]);
  });

  test('watermark: time goes by the fastest inlet partition instead of the slowest', async () => {
    const guard = jest.spyOn(Reorder.prototype, 'watermarkMs').mockImplementation(function (this: Reorder) {
      return Math.max(...[...this.positions().values()].map(({ timeMs }) => timeMs), -Infinity);
    });
    expect(await firstWrong((seed) => simulate({ seed }))).not.toEqual([]);
    guard.mockRestore();
  });

  test('identity: entries that were seen before are taken for new ones', async () => {
    const push = Reorder.prototype.push;
    const guard = jest.spyOn(Reorder.prototype, 'push').mockImplementation(function (this: Reorder, entries, positions, recordOffset) {
      const seen = new Map([...this.positions()].map(([source, { offset }]) => [source, offset]));
      const renumbered = entries.map((entry): Entry => {
        const offset = Math.max(entry.offset, (seen.get(entry.source) ?? -1) + 1 / 1_024);
        seen.set(entry.source, offset);
        return { ...entry, offset };
      });
      push.call(this, renumbered, positions, recordOffset);
    });
    expect(await firstWrong((seed) => simulate({ seed }))).not.toEqual([]);
    guard.mockRestore();
  });
});
