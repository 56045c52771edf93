/**
 * Page views, kept as bursts: a burst is a run of views with less than the session gap between neighbours, and a
 * session is its first view. What lies inside a burst can never begin a session, so its two ends say everything, in
 * whatever order views arrive. Flat and ascending: start, end, start, end, …, epoch ms.
 */
export type Bursts = number[];

/** Adds a view. Idempotent; the order of additions does not matter. @returns whether anything changed */
export function addView(bursts: Bursts, atMs: number, gapMs: number): boolean {
  return addBurst(bursts, atMs, atMs, gapMs);
}

/** Adds a run of views, e.g. of another profile. @returns whether anything changed */
export function addBurst(bursts: Bursts, startMs: number, endMs: number, gapMs: number): boolean {
  // The first burst that is not over a whole gap before the new one; views come mostly in order, so from the back.
  let from = bursts.length;
  while (from > 0 && startMs - (bursts[from - 1] as number) < gapMs) from -= 2;
  let to = from;
  let start = startMs;
  let end = endMs;
  while (to < bursts.length && (bursts[to] as number) - endMs < gapMs) {
    start = Math.min(start, bursts[to] as number);
    end = Math.max(end, bursts[to + 1] as number);
    to += 2;
  }
  if (to - from === 2 && bursts[from] === start && bursts[from + 1] === end) return false;
  bursts.splice(from, to - from, start, end);
  return true;
}

/** Sessions begun after `afterMs` (exclusive). */
export function sessionsAfter(bursts: Bursts, afterMs: number): number {
  let count = 0;
  for (let index = bursts.length - 2; index >= 0 && (bursts[index] as number) > afterMs; index -= 2) count++;
  return count;
}

/** Forgets bursts that ended at or before `untilMs`. */
export function dropBursts(bursts: Bursts, untilMs: number): void {
  let count = 0;
  while (count < bursts.length && (bursts[count + 1] as number) <= untilMs) count += 2;
  if (count > 0) bursts.splice(0, count);
}
