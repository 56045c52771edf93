// A disk that is full: the data of PostgreSQL and of Kafka lie on small file systems of their own, where the machine permits it.
import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, secondsBetween } from './fault.ts';

const fillDisk: Fault = {
  name: 'disk-full',
  targets: () => ['postgres', 'kafka'],
  async inject({ site, random }, target) {
    const dir = site.smallDisks.get(target);
    if (dir === undefined) return null;
    const ms = secondsBetween(random, 3, 8);
    const filler = join(dir, 'filler');
    try {
      const { bavail, bsize } = statfsSync(dir);
      execFileSync('fallocate', ['-l', String(bavail * bsize), filler], { stdio: 'ignore' });
      await sleep(ms);
    } finally {
      rmSync(filler, { force: true });
    }
    // Kafka ends when it cannot write, PostgreSQL may: their supervisor starts them again, and they find room.
    await site.stack.whenReady(target);
    return `no byte free for ${ms} ms`;
  },
};

export const diskFaults: readonly Fault[] = [fillDisk];
