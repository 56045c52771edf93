import type { Entry, Position } from '@tributary/contracts/entry';
import fc from 'fast-check';
import { decodeFrame, encodeFrame, FRAME_BYTES_MAX, FRAME_ENTRIES_MAX, packFrames } from './frame.js';

const count = fc.nat(2 ** 48);
const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });

const entries: fc.Arbitrary<Entry> = fc
  .record({
    kind: fc.constantFrom('event', 'merged', 'merging', 'transfer', 'score'),
    workspace: fc.constantFrom('ws_a', 'ws_b', 'ws_"ü\u2028'),
    profileId: fc.uuid(),
    type: fc.string(), name: fc.string({ unit: 'binary' }), messageId: fc.string(),
    timestampMs: count, appendedAtMs: count, source: fc.nat(255), offset: count,
    purposes: optional(fc.array(fc.string())), other: optional(fc.uuid()), cluster: optional(fc.string()), speaker: optional(fc.constantFrom('untrusted' as const, 'service' as const)), traceparent: optional(fc.string()),
    scores: optional(fc.dictionary(fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'), fc.integer())),
    body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  })
  .map((entry) => Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined)) as unknown as Entry);
const positions: fc.Arbitrary<Map<number, Position>> = fc.array(fc.tuple(fc.nat(255), fc.record({ offset: count, timeMs: count }))).map((pairs) => new Map(pairs));

test('what is packed comes out again, bodies byte for byte', () => {
  fc.assert(fc.property(fc.array(entries, { maxLength: 20 }), positions, (packed, at) => {
    const frame = decodeFrame(encodeFrame({ positions: at, entries: packed }));
    expect(frame.entries.map((entry) => ({ ...entry, body: entry.body.toString('hex') }))).toEqual(packed.map((entry) => ({ ...entry, body: entry.body.toString('hex') })));
    expect(frame.positions).toEqual(at);
  }));
});

test('frames keep their bounds, and positions hold only behind the last entry', () => {
  const at = new Map([[0, { offset: 9, timeMs: 9 }]]);
  fc.assert(fc.property(fc.array(fc.nat(20_000), { maxLength: 200 }), (sizes) => {
    const packed = sizes.map((size, offset) => anEntry({ offset, body: Buffer.alloc(size) }));
    const frames = packFrames(packed, at).map(decodeFrame);
    expect(frames.flatMap((frame) => frame.entries.map(({ offset }) => offset))).toEqual(packed.map(({ offset }) => offset));
    for (const frame of frames) {
      expect(frame.entries.length).toBeLessThanOrEqual(FRAME_ENTRIES_MAX);
      const bytes = frame.entries.reduce((sum, { body }) => sum + body.length, 0);
      expect(bytes <= FRAME_BYTES_MAX || frame.entries.length === 1).toBe(true);
    }
    expect(frames.map((frame) => frame.positions.size)).toEqual([...Array<number>(frames.length - 1).fill(0), 1]);
  }), { numRuns: 15 });
});

test('an entry larger than a frame gets one of its own', () => {
  const frames = packFrames([anEntry({}), anEntry({ body: Buffer.alloc(FRAME_BYTES_MAX * 3) }), anEntry({})], new Map()).map(decodeFrame);
  expect(frames.map((frame) => frame.entries.length)).toEqual([1, 1, 1]);
});

test('without entries a frame still carries positions', () => {
  expect(packFrames([], new Map([[2, { offset: 5, timeMs: 7 }]])).map(decodeFrame)).toEqual([{ entries: [], positions: new Map([[2, { offset: 5, timeMs: 7 }]]) }]);
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['three bytes', Buffer.from([1, 2, 3])],
  ['plain JSON', Buffer.from('{"v":1}')],
  ['a frame cut short', encodeFrame({ positions: new Map(), entries: [anEntry({ body: Buffer.from('abc') })] }).subarray(0, -1)],
  ['a frame with more behind it', Buffer.concat([encodeFrame({ positions: new Map(), entries: [] }), Buffer.from('x')])],
  ['a frame of another version', rewritten((json) => json.replace('"v":1', '"v":2'))],
  ['a header length beyond the bytes', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x7b])],
])('%s is no frame', (_, bytes) => {
  expect(() => decodeFrame(bytes)).toThrow();
});

function rewritten(change: (json: string) => string): Buffer {
  const json = Buffer.from(change(encodeFrame({ positions: new Map(), entries: [] }).toString('utf8', 4)));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([length, json]);
}

function anEntry(overrides: Partial<Entry>): Entry {
  return {
    kind: 'event', workspace: 'ws_a', profileId: '00000000-0000-0000-0000-000000000000', type: 'track', name: 'Tested', messageId: 'm',
    timestampMs: 1, appendedAtMs: 1, source: 0, offset: 0, body: Buffer.alloc(0), ...overrides,
  };
}
