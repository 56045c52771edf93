// What a killed supervisor left running, stopped in the same order as ever: services, Kafka, PostgreSQL.
import { join } from 'node:path';
import { endProcess, forgetProcess, recordedProcesses } from './process-identity.ts';

const SERVERS = ['kafka', 'postgres'];
const SERVICE_GRACE_MS = 15_000;
const SERVER_GRACE_MS = 20_000;

/** Stops everything recorded under a state directory that is still alive; resolves with their names. */
export async function stopOrphans(dir: string): Promise<string[]> {
  const orphans = recordedProcesses(join(dir, 'pids'));
  const end = async ({ pid, pidFile, name }: (typeof orphans)[number]) => {
    await endProcess(pid, name === 'postgres' ? 'SIGINT' : 'SIGTERM', SERVERS.includes(name) ? SERVER_GRACE_MS : SERVICE_GRACE_MS);
    forgetProcess(pidFile);
  };
  await Promise.all(orphans.filter(({ name }) => !SERVERS.includes(name)).map(end));
  for (const server of SERVERS) await Promise.all(orphans.filter(({ name }) => name === server).map(end));
  return orphans.map(({ name, pid }) => `${name} (${pid})`);
}
