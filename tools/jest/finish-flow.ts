// A flow test that leaves its stack running fails the run.
import { clearOwnTestDirs } from '../test-dir.ts';

export default async function finishFlow(): Promise<void> {
  const left = await clearOwnTestDirs();
  if (left.length > 0) throw new Error(`The tests left processes behind, now stopped: ${left.join(', ')}`);
}
