import type { Pool } from '@tributary/postgres/pool';
import type { SimulatedProcess } from './simulated-process.js';
import type { SimulatedTables } from './simulated-tables.js';
import type { Chance, VirtualTime } from './virtual-time.js';

/** How often what goes wrong, from 0 to 1. */
export interface DatabaseTrouble {
  /** Refused before anything happened. */
  refused: number;
  /** Done, but the answer is lost. */
  unanswered: number;
  /** The connection is lost, and the statement, already under way, is done later. */
  belated: number;
}

const USUAL_MS = 2;
const LONG_MS = 80;
const BELATED_MS = 400;

/**
 * A pool of one process. A statement travels, is executed in one instant, and its answer travels back: in between the
 * process may die, be suspended, or lose the connection, and what is on its way is executed all the same.
 */
export function simulatedPool(process: SimulatedProcess, tables: SimulatedTables, { time, chance, trouble }: { readonly time: VirtualTime; readonly chance: Chance; readonly trouble: DatabaseTrouble }): Pool {
  const query = (statement: string | { readonly text: string; readonly values?: readonly unknown[] }, values: readonly unknown[] = []): Promise<{ rows: unknown[] }> =>
    new Promise((resolve, reject) => {
      const [text, parameters] = typeof statement === 'string' ? [statement, values] : [statement.text, statement.values ?? []];
      const fail = (ms: number): void => void process.after(ms, () => reject(Object.assign(new Error('the connection is gone'), { code: '08006' })));
      const travelMs = chance.delayMs(USUAL_MS, LONG_MS);
      if (chance.happens(trouble.refused)) return fail(travelMs);
      const isBelated = chance.happens(trouble.belated);
      const isUnanswered = isBelated || chance.happens(trouble.unanswered);
      if (isBelated) fail(travelMs);
      time.after(isBelated ? travelMs + chance.between(0, BELATED_MS) : travelMs, () => {
        try {
          const rows = tables.run(text, parameters);
          if (isUnanswered && !isBelated) fail(chance.delayMs(USUAL_MS, LONG_MS));
          else if (!isUnanswered) process.after(chance.delayMs(USUAL_MS, LONG_MS), () => resolve({ rows: [...rows] }));
        } catch (error) {
          if (!isUnanswered) process.after(chance.delayMs(USUAL_MS, LONG_MS), () => reject(error));
          else if (!isBelated) fail(chance.delayMs(USUAL_MS, LONG_MS));
        }
      });
    });
  // A trial of writes, which is taken back: it finds nothing wrong with them here.
  const connect = async () => ({ query: async () => ({ rows: [] }), release: () => undefined });
  return { query, connect } as unknown as Pool;
}
