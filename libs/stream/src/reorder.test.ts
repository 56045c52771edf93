import type { Entry, Position } from '@tributary/contracts/entry';
import fc from 'fast-check';
import { Reorder } from './reorder.js';

/** One input record: entries of several sources, and up to where each has been forwarded once it was read. */
interface Frame {
  readonly entries: readonly Entry[];
  readonly positions: ReadonlyMap<number, Position>;
}

const SOURCES = 3;

/** What each source brings: entries with append times that never go back, and times between them at which it says so. */
const sourceArbitrary = fc.array(fc.record({ stepMs: fc.nat(3), isTick: fc.boolean() }), { maxLength: 12 });

interface Sourced {
  readonly entry: Entry | null;
  readonly position: Position;
}

function toSource(steps: readonly { stepMs: number; isTick: boolean }[], source: number): Sourced[] {
  let timeMs = 1_000;
  const sourced = steps.map(({ stepMs, isTick }, index): Sourced => {
    timeMs += stepMs;
    return { entry: isTick ? null : anEntry(source, index, timeMs), position: { offset: index, timeMs } };
  });
  // In the end every source says that time has gone by.
  return [...sourced, { entry: null, position: { offset: steps.length, timeMs: 2_000 } }];
}

function anEntry(source: number, offset: number, appendedAtMs: number): Entry {
  return {
    kind: 'event', workspace: 'ws', profileId: '00000000-0000-0000-0000-000000000000', type: 'track', name: 'n', messageId: `${source}:${offset}`,
    timestampMs: appendedAtMs, appendedAtMs, source, offset, body: Buffer.alloc(0),
  };
}

/** A log: frames of up to a few steps of a source, the sources interleaved somehow, some frames written twice. */
const logArbitrary = fc
  .tuple(fc.tuple(sourceArbitrary, sourceArbitrary, sourceArbitrary), fc.infiniteStream(fc.nat(SOURCES - 1)), fc.infiniteStream(fc.integer({ min: 1, max: 4 })), fc.infiniteStream(fc.nat(9)))
  .map(([steps, choices, sizes, repeats]) => {
    const left = steps.map(toSource);
    const log: Frame[] = [];
    while (left.some((source) => source.length > 0)) {
      const choice = choices.next().value as number;
      const source = left[choice]?.length ? choice : left.findIndex(({ length }) => length > 0);
      const taken = (left[source] as Sourced[]).splice(0, sizes.next().value as number);
      log.push({ entries: taken.flatMap(({ entry }) => entry ?? []), positions: new Map([[source, (taken[taken.length - 1] as Sourced).position]]) });
      // A writer that does not know whether a frame arrived writes it, or some before it, again, in order.
      const repeat = repeats.next().value as number;
      if (repeat < 3) log.push(...log.filter(({ positions }) => positions.has(source)).slice(-1 - repeat));
    }
    return { log, all: steps.flatMap((each, source) => toSource(each, source).flatMap(({ entry }) => entry ?? [])) };
  });

const inOrder = (left: Entry, right: Entry) => left.appendedAtMs - right.appendedAtMs || left.source - right.source || left.offset - right.offset;

test('however sources are interleaved and repeated, entries come out once, in the one order of their append times', () => {
  fc.assert(fc.property(logArbitrary, fc.infiniteStream(fc.nat(4)), ({ log, all }, bounds) => {
    const reorder = new Reorder(new Map(), SOURCES);
    const taken: string[] = [];
    log.forEach(({ entries, positions }, offset) => {
      reorder.push(entries, positions, offset);
      taken.push(...reorder.take(bounds.next().value as number).map(({ messageId }) => messageId));
    });
    taken.push(...reorder.take(Infinity).map(({ messageId }) => messageId));
    expect(taken).toEqual([...all].sort(inOrder).map(({ messageId }) => messageId));
    expect(reorder.size).toBe(0);
    expect(reorder.watermarkMs()).toBe(2_000);
  }), { numRuns: 500 });
});

test('a restart from what was stored, at any point, changes nothing', () => {
  fc.assert(fc.property(logArbitrary, fc.infiniteStream(fc.nat(4)), fc.infiniteStream(fc.nat(5)), ({ log, all }, bounds, crashes) => {
    const taken: string[] = [];
    let stored: { positions: ReadonlyMap<number, Position>; next: number } = { positions: new Map(), next: 0 };
    let reorder = new Reorder(stored.positions, SOURCES);
    let isDone = false;
    for (let offset = 0; !isDone; offset++) {
      const frame = log[offset];
      if (frame !== undefined) reorder.push(frame.entries, frame.positions, offset);
      const batch = reorder.take(frame === undefined ? Infinity : (bounds.next().value as number));
      isDone = frame === undefined;
      if (!isDone && crashes.next().value === 0) {
        // What the batch took is lost with it.
        reorder = new Reorder(stored.positions, SOURCES);
        offset = stored.next - 1;
        continue;
      }
      taken.push(...batch.map(({ messageId }) => messageId));
      stored = { positions: reorder.positions(), next: reorder.oldestRecordOffset() ?? offset + 1 };
    }
    expect(taken).toEqual([...all].sort(inOrder).map(({ messageId }) => messageId));
  }), { numRuns: 500 });
});

test('the watermark never passes what is still to come out', () => {
  fc.assert(fc.property(logArbitrary, fc.infiniteStream(fc.nat(3)), ({ log }, bounds) => {
    const reorder = new Reorder(new Map(), SOURCES);
    let watermarkMs = -Infinity;
    log.forEach(({ entries, positions }, offset) => {
      reorder.push(entries, positions, offset);
      for (const entry of reorder.take(bounds.next().value as number)) expect(entry.appendedAtMs).toBeGreaterThanOrEqual(watermarkMs);
      expect(reorder.watermarkMs()).toBeGreaterThanOrEqual(watermarkMs);
      watermarkMs = reorder.watermarkMs();
    });
  }), { numRuns: 300 });
});

test('an entry waits while another source may still bring an earlier one', () => {
  const reorder = new Reorder(new Map(), 2);
  reorder.push([anEntry(1, 0, 100)], new Map([[1, { offset: 0, timeMs: 100 }]]), 0);
  expect(reorder.take(9)).toEqual([]);
  // Source 0 goes first at one millisecond, so its silence up to and including 100 is needed.
  reorder.push([], new Map([[0, { offset: 4, timeMs: 100 }]]), 1);
  expect(reorder.take(9)).toEqual([]);
  reorder.push([], new Map([[0, { offset: 5, timeMs: 101 }]]), 2);
  expect(reorder.take(9).map(({ messageId }) => messageId)).toEqual(['1:0']);
  expect(reorder.watermarkMs()).toBe(100);
});

test('with one source, what an entry says of time proves nothing: only positions do', () => {
  const reorder = new Reorder(new Map(), 1);
  // A keyed stage fires timers behind live entries: the entry of an earlier instant comes later.
  reorder.push([anEntry(0, 1, 1_000)], new Map(), 0);
  expect(reorder.take(9).map(({ messageId }) => messageId)).toEqual(['0:1']);
  expect(reorder.watermarkMs()).toBe(-Infinity);
  reorder.push([anEntry(0, 2, 900)], new Map([[0, { offset: 2, timeMs: 950 }]]), 1);
  expect(reorder.take(9).map(({ messageId }) => messageId)).toEqual(['0:2']);
  expect(reorder.watermarkMs()).toBe(950);
});

test('a source that the configuration does not know is an error, not a loss', () => {
  expect(() => new Reorder(new Map(), 2).push([anEntry(2, 0, 1)], new Map(), 0)).toThrow('INLET_PARTITIONS');
});
