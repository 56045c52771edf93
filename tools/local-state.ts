// The state of `npm start` on this machine, in .local/ of the checkout.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stopOrphans } from './orphans.ts';
import { workspace } from './preflight.mjs';
import { endProcess, forgetProcess, recordedProcess } from './process-identity.ts';

export const localDir = join(workspace, '.local');
export const supervisorPidFile = join(localDir, 'supervisor.pid');

/** The supervisor stops services, Kafka and PostgreSQL in turn; this is longer than all of their graces. */
const SUPERVISOR_GRACE_MS = 60_000;

export function runningSupervisor(): number | undefined {
  return recordedProcess(supervisorPidFile);
}

/** Stops whatever `npm start` has started; resolves with what was found running. */
export async function stopLocal(): Promise<string[]> {
  const stopped: string[] = [];
  const supervisor = runningSupervisor();
  if (supervisor !== undefined) {
    await endProcess(supervisor, 'SIGTERM', SUPERVISOR_GRACE_MS);
    stopped.push(`supervisor (${supervisor})`);
  }
  forgetProcess(supervisorPidFile);
  stopped.push(...(await stopOrphans(localDir)));
  return stopped;
}

/** Deletes all state but the broker's jars, which are a download and not a state. */
export function resetLocal(): void {
  for (const name of list(localDir).filter((name) => name !== 'kafka')) rmSync(join(localDir, name), { recursive: true, force: true });
  for (const name of list(join(localDir, 'kafka')).filter((name) => name !== 'lib')) {
    rmSync(join(localDir, 'kafka', name), { recursive: true, force: true });
  }
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
