import type { Stage } from './stage.js';

/**
 * Whether a stage can run behind others in one process and one transaction, without the topic in between. A keyed stage
 * needs a keyed one before it, whose offset covers both; and one that reorders several sources needs the log to wait in.
 */
export function canFollow(chain: readonly Stage[], stage: Stage): boolean {
  const last = chain[chain.length - 1];
  if (last === undefined) return true;
  if (last.writes?.name !== stage.reads.name || stage.kind === 'records') return false;
  return stage.kind === 'entries' || (last.kind === 'fold' && stage.reads.sources === 'one');
}
