import type { Entry, Position } from '@tributary/contracts/entry';
import { type Batch, type Flow, isTransient, parkEntry, type Step, type StepObserver } from './batch.js';
import type { Decision, Ending, EntryStage } from './stage.js';

/** A stateless stage: entries in, entries out, positions passed on as they came. */
export class EntryStep implements Step {
  constructor(readonly stage: EntryStage, private readonly observer: StepObserver) {}

  async assign(): Promise<void> {}

  async run(batch: Batch): Promise<void> {
    const all = batch.flows.flatMap((flow) => flow.parts.flatMap((part) => part.entries));
    const decision = all.length === 0 ? { endings: [] } : await this.#decide(all, batch.narrow);
    if (decision.endings.length !== all.length) throw new Error(`${this.stage.name} decided ${decision.endings.length} of ${all.length} entries`);
    batch.writes.push(...(decision.writes ?? []));
    batch.out.push(...(decision.records ?? []));
    if (decision.afterCommit !== undefined) batch.afterCommit.push(decision.afterCommit);
    let at = 0;
    batch.flows = batch.flows.map((flow) => {
      const endings = decision.endings.slice(at, (at += countEntries(flow)));
      return this.#settle(flow, endings, batch);
    });
  }

  /** One at a time, an entry that cannot be decided is set aside instead of stopping its partition. */
  async #decide(entries: readonly Entry[], narrow: boolean): Promise<Decision> {
    if (!narrow) return this.stage.decide(entries);
    const decisions: Decision[] = [];
    for (const entry of entries) {
      try {
        decisions.push(await this.stage.decide([entry]));
      } catch (error) {
        if (isTransient(error)) throw error;
        decisions.push({ endings: [{ ending: 'park', reason: 'poison' }] });
      }
    }
    return {
      endings: decisions.flatMap(({ endings }) => endings),
      writes: decisions.flatMap(({ writes }) => writes ?? []),
      records: decisions.flatMap(({ records }) => records ?? []),
      afterCommit: () => decisions.forEach(({ afterCommit }) => afterCommit?.()),
    };
  }

  #settle(flow: Flow, endings: readonly Ending[], batch: Batch): Flow {
    const inputs = flow.parts.flatMap((part) => part.entries);
    const entries: Entry[] = [];
    endings.forEach((ending, index) => {
      const input = inputs[index] as Entry;
      if (ending.ending === 'forward') entries.push(...ending.entries.map((entry) => (entry.offset === input.offset && entry.source === input.source ? entry : { ...entry, source: input.source, offset: input.offset })));
      else if (ending.ending === 'park') batch.out.push(parkEntry(this.stage.name, ending.reason, this.stage.reads.name, flow.partition, input));
      this.observer.ending(this.stage.name, ending.ending, ending.ending === 'forward' ? '' : ending.reason, 1);
    });
    return { partition: flow.partition, parts: [{ entries, positions: unite(flow), recordOffset: null }] };
  }

  hasWork(): boolean {
    return false;
  }
}

function countEntries(flow: Flow): number {
  return flow.parts.reduce((count, part) => count + part.entries.length, 0);
}

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
