// Stops the servers of the run, and fails the run when a test left a process behind.
import { processesUnder } from '../process-identity.ts';
import { removeTestDir } from '../test-dir.ts';
import { testServers } from './test-servers.ts';

export default async function stopServers(): Promise<void> {
  const { dir, kafka, postgres } = testServers;
  if (!dir) return;
  await Promise.all([kafka?.stop(), postgres?.stop()]);
  const left = processesUnder(dir);
  if (left.length > 0) {
    throw new Error(`The tests left processes behind: ${left.map(({ pid, command }) => `${pid} (${command})`).join(', ')}`);
  }
  removeTestDir(dir);
}
