import type { Entry, EntryKind, Position } from '@tributary/contracts/entry';

/** A frame holds at most this many entries … */
export const FRAME_ENTRIES_MAX = 128;
/** … or about this many bytes of bodies; a single larger entry still gets a frame of its own. */
export const FRAME_BYTES_MAX = 65_536;

export interface Frame {
  /** Up to where the writer has forwarded each source, once this frame has been read. */
  readonly positions: ReadonlyMap<number, Position>;
  readonly entries: readonly Entry[];
}

/** One entry's header on the wire; rows instead of objects, because names would outweigh values. */
type Row = [
  kind: EntryKind, workspace: number, profileId: string, type: string, name: string, messageId: string,
  timestampMs: number, appendedAtMs: number, source: number, offset: number, bodyBytes: number,
  rest: Pick<Entry, 'purposes' | 'other' | 'scores' | 'cluster' | 'speaker' | 'traceparent'> | 0,
];

interface Header {
  readonly v: 1;
  readonly positions: [source: number, offset: number, timeMs: number][];
  readonly workspaces: string[];
  readonly entries: Row[];
}

/**
 * Packs entries of one partition: 4 bytes length of the header (big endian), the header as JSON, the bodies one after
 * the other as they came.
 */
export function encodeFrame(frame: Frame): Buffer {
  const workspaces: string[] = [];
  const header: Header = {
    v: 1,
    positions: Array.from(frame.positions, ([source, { offset, timeMs }]) => [source, offset, timeMs]),
    workspaces,
    entries: frame.entries.map((entry) => toRow(entry, workspaces)),
  };
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([length, json, ...frame.entries.map((entry) => entry.body)]);
}

/**
 * Reads a frame; bodies are views into `bytes`, not copies.
 * @throws Error when the bytes are no frame
 */
export function decodeFrame(bytes: Buffer): Frame {
  const headerBytes = bytes.readUInt32BE(0);
  const header = JSON.parse(bytes.toString('utf8', 4, 4 + headerBytes)) as Header;
  if (header.v !== 1) throw new Error(`a frame of version ${String(header.v)} cannot be read by this release`);
  let at = 4 + headerBytes;
  const entries = header.entries.map((row) => {
    const body = bytes.subarray(at, at + row[10]);
    at += row[10];
    return fromRow(row, header.workspaces, body);
  });
  if (at !== bytes.length) throw new Error('a frame whose bodies do not add up');
  return { positions: new Map(header.positions.map(([source, offset, timeMs]) => [source, { offset, timeMs }])), entries };
}

/**
 * Splits entries into frames within the bounds. The positions go into the last one only: they hold once everything
 * before has been read.
 */
export function packFrames(entries: readonly Entry[], positions: ReadonlyMap<number, Position>): Buffer[] {
  const frames: Buffer[] = [];
  let from = 0;
  let bytes = 0;
  for (let index = 0; index < entries.length; index++) {
    const size = (entries[index] as Entry).body.length;
    if (index > from && (index - from >= FRAME_ENTRIES_MAX || bytes + size > FRAME_BYTES_MAX)) {
      frames.push(encodeFrame({ positions: new Map(), entries: entries.slice(from, index) }));
      from = index;
      bytes = 0;
    }
    bytes += size;
  }
  frames.push(encodeFrame({ positions, entries: entries.slice(from) }));
  return frames;
}

function toRow(entry: Entry, workspaces: string[]): Row {
  let workspace = workspaces.indexOf(entry.workspace);
  if (workspace < 0) workspace = workspaces.push(entry.workspace) - 1;
  const { purposes, other, scores, cluster, speaker, traceparent } = entry;
  const plain = purposes === undefined && other === undefined && scores === undefined && cluster === undefined && speaker === undefined && traceparent === undefined;
  return [
    entry.kind, workspace, entry.profileId, entry.type, entry.name, entry.messageId, entry.timestampMs, entry.appendedAtMs,
    entry.source, entry.offset, entry.body.length, plain ? 0 : { purposes, other, scores, cluster, speaker, traceparent },
  ];
}

function fromRow(row: Row, workspaces: readonly string[], body: Buffer): Entry {
  const rest = row[11] === 0 ? undefined : row[11];
  return {
    kind: row[0], workspace: workspaces[row[1]] as string, profileId: row[2], type: row[3], name: row[4], messageId: row[5],
    timestampMs: row[6], appendedAtMs: row[7], source: row[8], offset: row[9], body,
    ...rest,
  };
}
