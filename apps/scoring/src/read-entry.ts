import type { Entry } from '@tributary/contracts/entry';
import { type EventFacts, readFacts } from '@tributary/domain/scoring/read-facts';
import { storableJson } from './storable-json.js';

/**
 * What an event says that a profile remembers, read from the body as the history will have it, so that both say the
 * same; null for a body that is no JSON although something in it may count.
 */
export function factsOf(entry: Entry): EventFacts | null {
  try {
    return readFacts(entry, () => JSON.parse(storableJson(entry.body).toString()) as unknown);
  } catch {
    return null;
  }
}
