// Numbered events of a few profiles through lines that write down what they are given, to see that each came once and in order.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry } from '@tributary/contracts/entry';
import { decodeFrame } from '@tributary/stream/frame';
import type { LogRecord } from '@tributary/stream/stage';
import { inletEvent, profileIdOf, type StartedLine, type StreamStack } from './stream-stack.js';
import { passingStage, receivingStage, storedTallies, tallyingStage, type TallyOptions } from './test-stages.js';
import { until } from './until.js';

const PROFILES = 7;
const APPLIED_WITHIN_MS = 40_000;

export class NumberedFlow {
  constructor(private readonly stack: StreamStack) {}

  /** Ingestion, consent and scoring as lines of their own. */
  async start(options: TallyOptions = {}): Promise<StartedLine[]> {
    return [
      await this.stack.startLine([receivingStage()]),
      await this.stack.startLine([passingStage()]),
      await this.stack.startLine([tallyingStage(this.stack.pool, options)]),
    ];
  }

  /** Over all inlet partitions, one after the other, so that their append times tell their order. */
  async send(from: number, to: number, pauseMs = 0): Promise<void> {
    for (let number = from; number < to; number++) {
      await this.stack.send(inletEvent(`p${number % PROFILES}`, String(number), { partition: (number * 5) % 4 }));
      if (pauseMs > 0) await sleep(pauseMs);
    }
  }

  async applied(count: number, stage = 'scoring'): Promise<void> {
    await until(`${count} events applied`, async () => (await this.#events(stage)).length >= count, APPLIED_WITHIN_MS);
  }

  /** Each profile has its numbers below `count`, each once, in the order in which they were sent. */
  async expectOrdered(count: number, stage = 'scoring'): Promise<void> {
    const tallies = await storedTallies(this.stack.pool, stage);
    for (let profile = 0; profile < PROFILES; profile++) {
      const expected = Array.from({ length: count }, (_, number) => number).filter((number) => number % PROFILES === profile);
      const steps = tallies.get(profileIdOf(`p${profile}`)) ?? [];
      expect(steps.filter((step) => step.startsWith('e'))).toEqual(expected.map((number) => `e${number}`));
    }
  }

  async #events(stage: string): Promise<string[]> {
    return [...(await storedTallies(this.stack.pool, stage)).values()].flat().filter((step) => step.startsWith('e'));
  }
}

/** The entries of all frames, in order. */
export function entriesIn(records: readonly LogRecord[]): Entry[] {
  return records.flatMap(({ value }) => [...decodeFrame(value as Buffer).entries]);
}
