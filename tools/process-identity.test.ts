import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcess, processIdentity, recordedProcess, recordProcess } from './process-identity.ts';

const dir = mkdtempSync(join(tmpdir(), 'tributary-identity-'));
afterAll(() => rmSync(dir, { recursive: true }));

async function startSleeper(script = 'setInterval(() => {}, 1e6); console.log()'): Promise<number> {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child.pid!;
}

describe('a recorded process', () => {
  test('is found while it lives and no longer', async () => {
    const pidFile = join(dir, 'a.pid');
    const pid = await startSleeper();
    recordProcess(pidFile, pid);
    expect(recordedProcess(pidFile)).toBe(pid);
    expect(readFileSync(pidFile, 'utf8')).toBe(`${pid}\n`);
    expect(await endProcess(pid, 'SIGTERM', 5_000)).toBe('ended');
    expect(recordedProcess(pidFile)).toBeUndefined();
  });

  test('is not mistaken for a stranger who got its number', () => {
    const pidFile = join(dir, 'b.pid');
    recordProcess(pidFile, process.pid);
    writeFileSync(join(dir, 'b.started'), processIdentity(process.pid)!.replace(/\d+$/, '1'));
    expect(recordedProcess(pidFile)).toBeUndefined();
  });

  test('that ignores the signal is killed after its grace, and one that is paused ends at once', async () => {
    const deaf = await startSleeper(`process.on('SIGTERM', () => {}); setInterval(() => {}, 1e6); console.log()`);
    expect(await endProcess(deaf, 'SIGTERM', 200)).toBe('killed');
    const paused = await startSleeper();
    process.kill(paused, 'SIGSTOP');
    expect(await endProcess(paused, 'SIGTERM', 5_000)).toBe('ended');
  });
});
