// The wire between a process and a server is cut: see relay.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { SESSION_TIMEOUT_MS } from '@tributary/stream/log';
import { everyProcess, type Fault, secondsBetween } from './fault.ts';

function cut(server: 'kafka' | 'postgres', msMax: number): Fault {
  return {
    name: `cut-${server}`,
    targets: everyProcess,
    async inject({ site, random }, target) {
      const ms = secondsBetween(random, 1, msMax / 1_000);
      const reset = random() < 0.5;
      const relay = site.relayOf(target, server);
      relay.cut();
      await sleep(ms);
      relay.heal({ reset });
      await sleep(500);
      await site.stack.whenReady(target);
      return `no byte between it and ${server} for ${ms} ms, then ${reset ? 'its connections broken' : 'all of them at once'}`;
    },
  };
}

/** Shorter and longer than the group waits. */
export const networkFaults: readonly Fault[] = [cut('kafka', SESSION_TIMEOUT_MS + 6_000), cut('postgres', 10_000)];
