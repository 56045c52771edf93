// Which faults come when: a function of the seed alone, printed before the run, so that a run can be repeated.
import { randomOf } from '../bench/workload.ts';
import type { Fault } from './fault.ts';
import type { Site } from './site.ts';

export interface Appointment {
  readonly fault: Fault;
  readonly target: string;
  /** Between the end of the one before and this. */
  readonly pauseMs: number;
  /** Begins while the one before is still going on. */
  readonly together: boolean;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly count: number;
  readonly faults: readonly Fault[];
  readonly site: Pick<Site, 'processes'>;
}

const PAUSE_MS_MAX = 1_500;
const TOGETHER_SHARE = 0.15;

/** Every kind in turn, in a shuffled order, then again: no kind is left out by chance. */
export function makeSchedule({ seed, count, faults, site }: ScheduleOptions): Appointment[] {
  const random = randomOf(seed + 3);
  const pairs = faults.flatMap((fault) => fault.targets(site).map((target) => ({ fault, target })));
  const waiting = new Map<Fault, string[]>();
  const round: Fault[] = [];
  const schedule: Appointment[] = [];
  while (schedule.length < count && pairs.length > 0) {
    if (round.length === 0) round.push(...shuffle(faults, random));
    const fault = round.pop() as Fault;
    const targets = waiting.get(fault) ?? [];
    if (targets.length === 0) targets.push(...shuffle(fault.targets(site), random));
    waiting.set(fault, targets);
    const target = targets.pop();
    if (target === undefined) continue;
    const before = schedule.at(-1);
    // One process at a time is stopped, started and counted; two at once are told apart by what they are aimed at.
    const together = random() < TOGETHER_SHARE && before !== undefined && !before.together && isApart(before, { fault, target });
    schedule.push({ fault, target, pauseMs: Math.round(random() * PAUSE_MS_MAX), together });
  }
  return schedule;
}

function isApart(first: Pick<Appointment, 'fault' | 'target'>, second: Pick<Appointment, 'fault' | 'target'>): boolean {
  return first.target !== second.target && first.target !== 'all' && second.target !== 'all';
}

function shuffle<Item>(items: readonly Item[], random: () => number): Item[] {
  return items.map((item) => ({ item, place: random() })).sort((left, right) => left.place - right.place).map(({ item }) => item);
}
