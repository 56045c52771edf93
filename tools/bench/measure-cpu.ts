// CPU time of processes and of what they started, from /proc.
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

export type CpuSeconds = ReadonlyMap<string, number>;

/** CPU seconds so far, by name; children are counted with whoever started them. */
export function cpuSecondsOf(pids: ReadonlyMap<string, number>): CpuSeconds {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => readProcess(Number(name)));
  const parents = new Map(processes.map(({ pid, parent }) => [pid, parent]));
  const owner = (pid: number): string | undefined => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at)) {
      for (const [name, root] of pids) if (root === at) return name;
    }
    return undefined;
  };
  const seconds = new Map<string, number>([...pids.keys()].map((name) => [name, 0]));
  for (const { pid, cpu } of processes) {
    const name = owner(pid);
    if (name !== undefined) seconds.set(name, (seconds.get(name) ?? 0) + cpu);
  }
  return seconds;
}

function readProcess(pid: number): { pid: number; parent: number; cpu: number }[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [{ pid, parent: Number(fields[1]), cpu: (Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND }];
  } catch {
    return [];
  }
}

/** Share of one core by name, between two readings. */
export function cpuShare(before: CpuSeconds, after: CpuSeconds, seconds: number): Record<string, number> {
  return Object.fromEntries([...after].map(([name, cpu]) => [name, Math.round(((cpu - (before.get(name) ?? 0)) / seconds) * 1_000) / 1_000]));
}
