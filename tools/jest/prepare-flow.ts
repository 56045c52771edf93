// Flow tests start stacks of their own; here only what killed runs left behind is cleared, so that it does not
// compete for the machine.
import { clearAbandonedTestDirs, clearOwnTestDirs } from '../test-dir.ts';

export default async function prepareFlow(): Promise<void> {
  await clearAbandonedTestDirs();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void clearOwnTestDirs().finally(() => process.exit(130)));
  }
}
