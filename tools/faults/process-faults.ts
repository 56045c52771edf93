// Processes that die, end, stand still, and rise again.
import { setTimeout as sleep } from 'node:timers/promises';
import { SESSION_TIMEOUT_MS } from '@tributary/stream/log';
import { everyProcess, type Fault, type Scene, secondsBetween } from './fault.ts';
import type { Point } from './site.ts';

/** Longer than the group waits for a member. */
const FROZEN_MS = SESSION_TIMEOUT_MS + 4_000;
/** Longer than any short window of the scene (active: 4 s, idle: 10 s). */
const ABSENT_MS_MIN = 12_000;
const HIT_MS_MAX = 15_000;
const LOOK_MS = 20;
const READY_MS_MAX = 60_000;

const COMMIT_POINTS: readonly Point[] = ['before-commit', 'in-commit', 'after-commit', 'after-send'];
/** A stage that keeps nothing alone in its process commits nothing with a fence: it reads, and sends. */
const STATELESS = new Set(['consent', 'cleansing']);
const SEND_POINTS: readonly Point[] = ['before-send', 'after-send'];
const MAIL_POINTS: readonly Point[] = ['before-hand-over', 'after-hand-over'];

const kill: Fault = {
  name: 'kill',
  targets: everyProcess,
  async inject({ site }, target) {
    site.stack.process(target).kill('SIGKILL');
    await sleep(200);
    await site.stack.whenReady(target);
    return 'SIGKILL at a random moment';
  },
};

/** At a named point of its work; a service that has nothing to do there is not hit, and that is said. */
const killAtPoint: Fault = {
  name: 'kill-at-point',
  targets: everyProcess,
  async inject(scene, target) {
    const point = choosePoint(scene, target);
    const isHit = await hitAt(scene, target, point, 'SIGKILL');
    await sleep(200);
    await scene.site.stack.whenReady(target);
    return isHit ? `SIGKILL ${point}` : null;
  },
};

const term: Fault = {
  name: 'term',
  targets: everyProcess,
  async inject({ site, random }, target) {
    const process = site.stack.process(target);
    const ending = await process.stop();
    await sleep(secondsBetween(random, 0, 1));
    await process.start();
    await site.stack.whenReady(target);
    if (ending === 'killed') throw new Error(`${target} did not end on SIGTERM`);
    return 'SIGTERM, then started again';
  },
};

/** Alone in its group: nobody takes over, and it must find its way back. */
const freeze: Fault = {
  name: 'freeze',
  targets: everyProcess,
  async inject({ site }, target) {
    const process = site.stack.process(target);
    process.pause();
    await sleep(FROZEN_MS);
    process.resume();
    await sleep(200);
    await site.stack.whenReady(target);
    return `SIGSTOP for ${FROZEN_MS} ms, then SIGCONT`;
  },
};

/** Stopped right before its commit; a second instance takes its partitions; then it wakes and tries to commit. */
const zombie: Fault = {
  name: 'zombie',
  targets: everyProcess,
  async inject(scene, target) {
    const { site } = scene;
    const twin = await site.startTwin(target, 2);
    try {
      const point = STATELESS.has(target) ? 'before-send' : 'before-commit';
      const isHit = await hitAt(scene, target, point, 'SIGSTOP');
      if (!isHit) site.stack.process(target).pause();
      await sleep(FROZEN_MS);
      site.stack.process(target).resume();
      await sleep(200);
      await site.stack.whenReady(target);
      await twin.whenReady(READY_MS_MAX);
      return `SIGSTOP ${isHit ? point : 'at a random moment'} for ${FROZEN_MS} ms while another instance took over, then SIGCONT`;
    } finally {
      await site.stopTwin(twin);
      await site.stack.whenReady(target);
    }
  },
};

/** Ended, and not started again until every short window has run out several times, while people go on renewing. */
const absence: Fault = {
  name: 'absence',
  targets: everyProcess,
  async inject({ site, random }, target) {
    const ms = ABSENT_MS_MIN + secondsBetween(random, 0, 8);
    const process = site.stack.process(target);
    await process.stop();
    await sleep(ms);
    await process.start();
    await site.stack.whenReady(target);
    return `stopped for ${ms} ms`;
  },
};

const rolling: Fault = {
  name: 'rolling-restart',
  targets: () => ['all'],
  async inject({ site }) {
    for (const { name } of site.processes) {
      await site.stack.process(name).restart();
      await site.stack.whenReady(name);
    }
    return 'every process ended and started, one after the other';
  },
};

const scale: Fault = {
  name: 'scale',
  targets: everyProcess,
  async inject({ site, random }, target) {
    const more = 1 + Math.floor(random() * 3);
    const twins = await Promise.all(Array.from({ length: more }, (_, index) => site.startTwin(target, index + 2)));
    await sleep(secondsBetween(random, 1, 4));
    for (const twin of twins) await site.stopTwin(twin);
    await site.stack.whenReady(target);
    return `1 to ${more + 1} instances and back`;
  },
};

const clock: Fault = {
  name: 'clock',
  targets: everyProcess,
  async inject({ site, random }, target) {
    const offsetMs = secondsBetween(random, 2, 20) * (random() < 0.5 ? -1 : 1);
    site.setClock(target, offsetMs);
    await sleep(secondsBetween(random, 2, 5));
    site.setClock(target, 0);
    await sleep(500);
    await site.stack.whenReady(target);
    return `its wall clock stepped by ${offsetMs} ms, and back`;
  },
};

export const processFaults: readonly Fault[] = [kill, killAtPoint, term, freeze, zombie, absence, rolling, scale, clock];

function choosePoint({ site, random }: Scene, target: string): Point {
  if (STATELESS.has(target)) return SEND_POINTS[Math.floor(random() * SEND_POINTS.length)] as Point;
  const sendsMails = site.processes.some(({ name, services }) => name === target && services.includes('delivery'));
  const points = sendsMails ? [...COMMIT_POINTS, ...MAIL_POINTS] : COMMIT_POINTS;
  return points[Math.floor(random() * points.length)] as Point;
}

async function hitAt({ site, random }: Scene, target: string, point: Point, signal: 'SIGKILL' | 'SIGSTOP'): Promise<boolean> {
  site.arm(target, point, signal, Math.floor(random() * 5));
  for (const giveUpMs = Date.now() + HIT_MS_MAX; Date.now() < giveUpMs; await sleep(LOOK_MS)) if (site.isHit(target)) return true;
  site.disarm(target);
  return site.isHit(target);
}
