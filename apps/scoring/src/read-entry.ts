import type { Entry } from '@tributary/contracts/entry';
import { type EventFacts, readFacts } from '@tributary/domain/scoring/read-facts';

/** What an event says that a profile remembers; null for a body that is no JSON although something in it may count. */
export function factsOf(entry: Entry): EventFacts | null {
  try {
    return readFacts(entry, () => JSON.parse(entry.body.toString()) as unknown);
  } catch {
    return null;
  }
}
