// How late people are let out whose window has ended: processedAt − effectiveAt under load.
import { processesOf, type Layout } from '../../layout.ts';
import type { Stack } from '../../stack.ts';
import { cpuSecondsOf, cpuShare } from '../measure-cpu.ts';
import type { LiveLoad } from './live-load.ts';

const PER_SECOND = 1_000;
const GOAL_MS: Record<Layout, number> = { services: 100, compact: 50 };

export async function measureExits({ stack, live, layout, seconds }: { readonly stack: Stack; readonly workload: unknown; readonly live: LiveLoad; readonly layout: Layout; readonly seconds: number }) {
  const names = [...processesOf(layout, (service) => service !== 'console' && service !== 'mailbox').map(({ name }) => name), 'kafka', 'postgres'];
  const pids = new Map(names.map((name) => [name, stack.process(name).pid as number] as const));
  const { result: cpu, latencyMs, exitErrorMs } = await live.during(async () => {
    const before = cpuSecondsOf(pids);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    return cpuShare(before, cpuSecondsOf(pids), seconds);
  }, PER_SECOND);
  return {
    name: 'exit',
    result: { perSecond: PER_SECOND, exitErrorMs, latencyMs, cpu },
    rows: [[`exit error at ${PER_SECOND} events/s, ${layout}`, `p50 ${exitErrorMs.p50} ms, p99 ${exitErrorMs.p99} ms of ${exitErrorMs.count} exits`, `p99 ${GOAL_MS[layout]} ms`]] as [string, string, string][],
  };
}
