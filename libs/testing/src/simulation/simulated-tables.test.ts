// The simulated tables answer as PostgreSQL does, whatever they are asked in whatever order.
import { createPool, type Pool } from '@tributary/postgres/pool';
import { joinWrites, type Write } from '@tributary/postgres/write';
import { deleteOutbox, insertOutbox, pendingOutbox } from '@tributary/stream/outbox';
import { type Advance, claim, fencedStatement, type Progress, reread } from '@tributary/stream/progress';
import { deleteTimers, FIRST_PLACE, loadTimers, timersAfter, upsertTimers } from '@tributary/stream/timers';
import { createTestDatabase, type TestDatabase } from '../test-database.js';
import { profileIdOf, streamTemplate } from '../stream-stack.js';
import { SimulatedTables } from './simulated-tables.js';
import { Chance } from './virtual-time.js';

const STAGES = ['scoring', 'segmentation'];
const OWNERS = ['one', 'other'];
const PEOPLE = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => ({ workspace: 'ws', profileId: profileIdOf(name) }));
const STEPS = 400;

let database: TestDatabase;
let real: Pool;
beforeAll(async () => {
  database = await createTestDatabase({ template: streamTemplate });
  real = createPool({ url: database.url, name: 'simulated-tables', max: 2 });
});
afterAll(async () => {
  await real.end();
  await database.drop();
});

function simulated(): Pool {
  const tables = new SimulatedTables();
  const query = async (statement: string | { text: string; values: unknown[] }, values: unknown[] = []) => ({
    rows: [...(typeof statement === 'string' ? tables.run(statement, values) : tables.run(statement.text, statement.values))],
  });
  return { query } as unknown as Pool;
}

/** The same questions, by the same chance. What it remembers is what was answered. */
class Questioner {
  readonly #chance = new Chance(11);
  readonly #held = new Map<string, Progress>();

  constructor(private readonly pool: Pool) {}

  async ask(): Promise<unknown> {
    const kind = this.#chance.below(8);
    const stage = this.#chance.one(STAGES);
    const owner = this.#chance.one(OWNERS);
    const partitions = [0, 1, 2].filter(() => this.#chance.happens(0.6));
    const keys = PEOPLE.filter(() => this.#chance.happens(0.5));
    if (kind === 0) return this.#hold(await claim(this.pool, STAGES, partitions, owner));
    if (kind === 1) return this.#hold(await reread(this.pool, STAGES, partitions, owner));
    if (kind === 2) return (await pendingOutbox(this.pool, stage, partitions)).map(({ records }) => records.map(({ topic }) => topic));
    if (kind === 3) return [...(await loadTimers(this.pool, stage, keys))].sort();
    if (kind === 4) {
      const after = this.#chance.happens(0.5) ? FIRST_PLACE : { dueMs: this.#chance.below(20), profileId: this.#chance.one(PEOPLE).profileId };
      return timersAfter(this.pool, stage, after, { partitions: 3, owned: partitions }, 1 + this.#chance.below(5));
    }
    return this.#commit(stage, partitions);
  }

  #hold(claimed: ReadonlyMap<string, ReadonlyMap<number, Progress>> | null): unknown {
    for (const [stage, byPartition] of claimed ?? []) for (const [partition, progress] of byPartition) this.#held.set(`${stage} ${partition}`, progress);
    return claimed === null ? null : [...claimed].map(([stage, byPartition]) => [stage, [...byPartition.values()].map((progress) => ({ ...progress, positions: [...progress.positions] }))]);
  }

  async #commit(stage: string, partitions: readonly number[]): Promise<unknown> {
    const advances: Advance[] = partitions.flatMap((partition) => {
      const from = this.#held.get(`${stage} ${partition}`);
      if (from === undefined) return [];
      const nextOffset = this.#chance.happens(0.2) ? from.nextOffset : (from.nextOffset ?? 0) + this.#chance.below(3);
      return [{ stage, from, to: { nextOffset, positions: new Map([[0, { offset: this.#chance.below(9), timeMs: this.#chance.below(9) }]]), outOffset: from.outOffset + 1 }, watermarkMs: this.#chance.happens(0.5) ? null : 5 }];
    });
    // No row is written twice by one statement.
    const armed = PEOPLE.slice(0, 3).filter(() => this.#chance.happens(0.5)).map((key) => ({ key, dueMs: this.#chance.below(20) }));
    const dropped = PEOPLE.slice(3).filter(() => this.#chance.happens(0.5));
    const sent = this.#chance.happens(0.5) ? (await pendingOutbox(this.pool, stage, partitions)).map(({ id }) => id).slice(0, 1) : [];
    const writes: Write[] = [upsertTimers(stage, armed), deleteTimers(stage, dropped), deleteOutbox(sent)];
    const row = this.#chance.happens(0.5) ? insertOutbox(stage, partitions, [{ topic: `t${this.#chance.below(99)}`, key: null, value: Buffer.from('x') }]) : null;
    try {
      if (this.#chance.happens(0.1)) return (await this.pool.query(joinWrites(writes))).rows.length > 1;
      const { rows } = await this.pool.query<{ outbox_id: number | null }>(fencedStatement(advances, writes, row));
      for (const { from, to } of advances) this.#held.set(`${stage} ${from.partition}`, { ...from, ...to });
      return rows[0]?.outbox_id === null;
    } catch (error) {
      return (error as { code: string }).code;
    }
  }
}

test('the simulated tables answer as PostgreSQL does', async () => {
  const [one, other] = [new Questioner(real), new Questioner(simulated())];
  const answers: unknown[] = [];
  for (let step = 0; step < STEPS; step++) {
    const answer = await one.ask();
    expect([step, await other.ask()]).toEqual([step, answer]);
    answers.push(answer);
  }
  expect(answers.filter((answer) => answer === 'TB001').length).toBeGreaterThan(10);
  expect(answers.filter((answer) => answer === true || answer === false).length).toBeGreaterThan(10);
});
