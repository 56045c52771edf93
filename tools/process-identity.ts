// A process is its number *and* its start: numbers are used again, and a stale pid file must never get a
// stranger killed. A record is two files, `<name>.pid` with nothing but the number (so that `kill $(cat …)`
// works) and `<name>.started` beside it.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const POLL_MS = 50;

/** Boot id and start time in clock ticks; undefined when there is no such process, or only its zombie. */
export function processIdentity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in parentheses and may itself contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startTicks] = [fields[0], fields[19]];
    if (state === 'Z' || state === 'X') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${startTicks}`;
  } catch {
    return undefined;
  }
}

export function recordProcess(pidFile: string, pid: number): void {
  mkdirSync(dirname(pidFile), { recursive: true });
  const identity = processIdentity(pid);
  if (!identity) return;
  // The identity first: a pid file without one is not believed.
  writeFileSync(startedFile(pidFile), identity);
  writeFileSync(pidFile, `${pid}\n`);
}

export function forgetProcess(pidFile: string): void {
  rmSync(pidFile, { force: true });
  rmSync(startedFile(pidFile), { force: true });
}

/** The pid of the recorded process if exactly that process is still alive. */
export function recordedProcess(pidFile: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8').trim());
    return processIdentity(pid) === readFileSync(startedFile(pidFile), 'utf8') ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Everything recorded in a directory that is still alive, by name. */
export function recordedProcesses(dir: string): { name: string; pid: number; pidFile: string }[] {
  let files: string[];
  try {
    files = readdirSync(dir).filter((file) => file.endsWith('.pid'));
  } catch {
    return [];
  }
  return files.flatMap((file) => {
    const pidFile = join(dir, file);
    const pid = recordedProcess(pidFile);
    return pid === undefined ? [] : [{ name: basename(file, '.pid'), pid, pidFile }];
  });
}

/** Asks a process to end, insists after `graceMs`, and returns when it is gone. */
export async function endProcess(pid: number, signal: NodeJS.Signals, graceMs: number): Promise<'ended' | 'killed'> {
  const identity = processIdentity(pid);
  const isAlive = () => identity !== undefined && processIdentity(pid) === identity;
  if (!isAlive()) return 'ended';
  send(pid, signal);
  // A stopped process (SIGSTOP) would not see the signal before it is continued.
  send(pid, 'SIGCONT');
  const deadline = Date.now() + graceMs;
  while (isAlive()) {
    if (Date.now() > deadline) {
      send(pid, 'SIGKILL');
      while (isAlive()) await sleep(POLL_MS);
      return 'killed';
    }
    await sleep(POLL_MS);
  }
  return 'ended';
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in between.
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function startedFile(pidFile: string): string {
  return pidFile.replace(/\.pid$/, '.started');
}

/** Living processes whose command line names this directory. */
export function processesUnder(dir: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').join(' ').trim();
        return command.includes(dir) ? [{ pid: Number(name), command }] : [];
      } catch {
        return []; // ended in between
      }
    });
}
