import type { Json, RuleNode, SegmentRule } from '@tributary/contracts/rule';
import { namedSegments, orderSegments } from '../order-segments.js';
import { parseInstant } from '../parse-instant.js';
import type { RuleEntry } from '../rule-entry.js';
import { evalRule, spanMs, type NaiveWorld } from './naive.js';
import { firstInstantOf, localDate, validZone } from './naive-days.js';

export interface NaiveFlip {
  readonly segment: string;
  readonly change: 'entered' | 'left';
  readonly atMs: number;
  readonly by: 'event' | 'time';
}

export interface NaiveOptions {
  readonly segments: readonly SegmentRule[];
  readonly profileId: string;
  readonly timezone: string;
  readonly purposes: { readonly [purpose: string]: 'opt-in' | 'opt-out' };
}

/** All changes up to and including `untilMs`: the rules asked at every instant at which an answer could change. */
export function naiveTimeline(options: NaiveOptions, entries: readonly RuleEntry[], untilMs: number): NaiveFlip[] {
  const segments = orderSegments(options.segments);
  const flips: NaiveFlip[] = [];
  let inside = new Set<string>();
  const view = (known: readonly RuleEntry[], t: number): Map<string, boolean> => {
    const answers = new Map<string, boolean>();
    const world: NaiveWorld = { ...options, entries: known, inside: (key) => answers.get(key)! };
    for (const { key, rule, stay } of segments) {
      const enters = (): boolean => evalRule(rule, t, world);
      const stays = (): boolean => (stay === undefined ? enters() : evalRule(stay, t, world));
      answers.set(key, stay === undefined ? enters() : (inside.has(key) || enters()) && stays());
    }
    return answers;
  };
  const settle = (answers: ReadonlyMap<string, boolean>, atMs: number, by: 'event' | 'time'): void => {
    const next = new Set<string>();
    for (const { key } of segments) {
      const now = answers.get(key)!;
      if (now) next.add(key);
      if (now !== inside.has(key)) flips.push({ segment: key, change: now ? 'entered' : 'left', atMs, by });
    }
    inside = next;
  };
  let done = 0;
  for (const t of candidateInstants(options, entries, untilMs)) {
    for (; done < entries.length && entries[done]!.appendedAtMs === t; done += 1) {
      const [before, after] = [entries.slice(0, done), entries.slice(0, done + 1)];
      const by = entries[done]!.kind === 'score' ? 'time' : 'event';
      const now = view(after, t);
      if (done > 0) {
        const [byTime, beforeEdge] = [view(before, t), view(after, t - 1)];
        for (const { key } of segments) {
          const was = inside.has(key);
          if (now.get(key) !== was && byTime.get(key) !== was && beforeEdge.get(key) === was) now.set(key, was);
        }
      }
      settle(now, t, by);
    }
    if (done > 0) settle(view(entries.slice(0, done), t), t, 'time');
  }
  return flips;
}

/** Is the profile inside at `t`, by the changes? */
export function insideAt(flips: readonly NaiveFlip[], segment: string, t: number): boolean {
  return flips.filter((flip) => flip.segment === segment && flip.atMs <= t).at(-1)?.change === 'entered';
}

export function candidateInstants(options: NaiveOptions, entries: readonly RuleEntry[], untilMs: number): number[] {
  if (entries.length === 0) return [];
  const first = entries[0]!.appendedAtMs;
  const instants = new Set<number>(entries.map((entry) => entry.appendedAtMs));
  const spans = new Set<number>();
  const zones = new Set<string>(['UTC', ...(validZone(options.timezone) ? [options.timezone] : [])]);
  let calendar = false;
  for (const { rule, stay } of options.segments) {
    const text = JSON.stringify([rule, stay ?? null]);
    for (const found of text.matchAll(/"([1-9][0-9]*[smhdw])"/g)) spans.add(spanMs(found[1]!));
    calendar ||= /"calendar":true|anniversaryInNext/.test(text);
  }
  const anchors = new Set<number>();
  const collect = (value: Json | undefined): void => {
    const instant = parseInstant(value);
    if (instant !== undefined) anchors.add(instant);
    if (typeof value === 'string' && validZone(value)) zones.add(value);
    if (typeof value === 'object' && value !== null) Object.values(value).forEach((one) => collect(one as Json));
  };
  for (const entry of entries) {
    if (entry.kind !== 'event') continue;
    anchors.add(Math.min(entry.timestampMs, entry.appendedAtMs));
    collect(entry.readBody().traits);
  }
  for (const anchor of anchors) {
    instants.add(anchor);
    for (const span of spans) instants.add(anchor + span).add(anchor - span);
  }
  if (calendar) for (const zone of zones) {
    for (let day = localDate(first, zone); firstInstantOf(day, zone) <= untilMs; day += 1) instants.add(firstInstantOf(day, zone));
  }
  return [...instants].filter((t) => t >= first && t <= untilMs).sort((a, b) => a - b);
}

export function refersTo(rule: RuleNode, key: string): boolean {
  return namedSegments({ rule }).has(key);
}
