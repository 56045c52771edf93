import type { Entry, Position } from '@tributary/contracts/entry';
import type { Batch, Flow, Probe, Step } from './batch.js';
import { parkEntry, POISON } from './park.js';
import type { Decision, Ending, EntryStage } from './stage.js';
import { isTransient } from './transient.js';

/** A stateless stage: entries in, entries out, positions passed on as they came. */
export class EntryStep implements Step {
  constructor(readonly stage: EntryStage, private readonly probe: Probe) {}

  async assign(): Promise<void> {}

  async run(batch: Batch): Promise<void> {
    const all = batch.flows.flatMap((flow) => flow.parts.flatMap((part) => part.entries));
    const decision = batch.narrow ? await this.#decideHealthy(all) : await this.#decide(all);
    batch.writes.push(...(decision.writes ?? []));
    batch.out.push(...(decision.records ?? []));
    if (decision.afterCommit !== undefined) batch.afterCommit.push(decision.afterCommit);
    let at = 0;
    batch.flows = batch.flows.map((flow) => {
      const inputs = flow.parts.flatMap((part) => part.entries);
      return this.#settle(flow, inputs, decision.endings.slice(at, (at += inputs.length)), batch);
    });
  }

  async #decide(entries: readonly Entry[]): Promise<Decision> {
    if (entries.length === 0) return { endings: [] };
    const decision = await this.stage.decide(entries);
    if (decision.endings.length !== entries.length) throw new Error(`${this.stage.name} decided ${decision.endings.length} of ${entries.length} entries`);
    return decision;
  }

  /** An entry that, alone, cannot be decided or stored is set aside instead of stopping its partition. */
  async #decideHealthy(entries: readonly Entry[]): Promise<Decision> {
    const healthy = new Set<Entry>();
    for (const entry of entries) if (await this.#isHealthy(entry)) healthy.add(entry);
    const decision = await this.#decide([...healthy]);
    const endings = decision.endings.values();
    return { ...decision, endings: entries.map((entry): Ending => (healthy.has(entry) ? (endings.next().value as Ending) : { ending: 'park', reason: POISON })) };
  }

  async #isHealthy(entry: Entry): Promise<boolean> {
    try {
      await this.probe((await this.#decide([entry])).writes ?? []);
      return true;
    } catch (error) {
      if (isTransient(error)) throw error;
      return false;
    }
  }

  #settle(flow: Flow, inputs: readonly Entry[], endings: readonly Ending[], batch: Batch): Flow {
    const { name, reads } = this.stage;
    const entries: Entry[] = [];
    let forwarded = 0;
    endings.forEach((ending, index) => {
      const input = inputs[index] as Entry;
      if (ending.ending === 'forward') {
        // They would share an offset, and the second be taken for a repetition of the first.
        if (ending.entries.length > 1) throw new Error(`${name} made ${ending.entries.length} entries of one entry`);
        forwarded++;
        for (const entry of ending.entries) entries.push(entry.offset === input.offset && entry.source === input.source ? entry : { ...entry, source: input.source, offset: input.offset });
      } else {
        if (ending.ending === 'park') batch.out.push(parkEntry(name, ending.reason, { topic: reads.name, partition: flow.partition }, input));
        batch.count(name, ending.ending, ending.reason);
      }
    });
    if (forwarded > 0) batch.count(name, 'forward', '', forwarded);
    return { partition: flow.partition, parts: [{ entries, positions: unite(flow), recordOffset: null }] };
  }
}

/** Several frames of a batch go on as one. */
function unite(flow: Flow): Map<number, Position> {
  const united = new Map<number, Position>();
  for (const part of flow.parts) {
    for (const [source, position] of part.positions) {
      const before = united.get(source);
      united.set(source, before === undefined ? position : { offset: Math.max(before.offset, position.offset), timeMs: Math.max(before.timeMs, position.timeMs) });
    }
  }
  return united;
}
