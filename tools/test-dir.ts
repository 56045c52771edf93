// Directories of test runs, each marked with the process that owns it, so that a later run finds and clears what a
// killed one left behind: servers on strange ports, and gigabytes of their data.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopOrphans } from './orphans.ts';
import { recordedProcess, recordProcess } from './process-identity.ts';

const PREFIX = 'tributary-test-';

export function makeTestDir(): string {
  const dir = mkdtempSync(join(tmpdir(), PREFIX));
  recordProcess(ownerFile(dir), process.pid);
  return dir;
}

export function removeTestDir(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}

/** Stops and removes what belongs to processes that no longer live. */
export async function clearAbandonedTestDirs(): Promise<void> {
  for (const dir of testDirs()) {
    // One without a mark is being made just now, or is not ours.
    if (isMarked(dir) && recordedProcess(ownerFile(dir)) === undefined) await clear(dir);
  }
}

/** Stops and removes what this process still owns; resolves with the processes that had to be stopped. */
export async function clearOwnTestDirs(): Promise<string[]> {
  const stopped: string[] = [];
  for (const dir of testDirs()) {
    if (recordedProcess(ownerFile(dir)) === process.pid) stopped.push(...(await clear(dir)));
  }
  return stopped;
}

async function clear(dir: string): Promise<string[]> {
  const stopped = await stopOrphans(dir);
  removeTestDir(dir);
  return stopped;
}

function testDirs(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX)).map((name) => join(tmpdir(), name));
}

function isMarked(dir: string): boolean {
  try {
    return readdirSync(dir).includes('owner.pid');
  } catch {
    return false; // another user's, or gone
  }
}

function ownerFile(dir: string): string {
  return join(dir, 'owner.pid');
}
