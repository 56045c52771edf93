/**
 * PostgreSQL arrays in the binary wire format, one-dimensional. The driver sends a Buffer as it is, so a batch of
 * bodies goes to the server without being decoded, quoted and parsed on the way; pass as `$1::text[]` and so on.
 */

const OID = { bytea: 17, bigint: 20, smallint: 21, int: 23, text: 25, uuid: 2950, jsonb: 3802 } as const;

const HEADER_BYTES = 20;
const NULL_LENGTH = -1;
/** Format version that precedes the text of a jsonb value. */
const JSONB_VERSION = 1;

export function smallintArray(values: readonly number[]): Buffer {
  const { bytes, at } = begin(OID.smallint, values.length, values.length * 6);
  for (let index = 0, offset = at; index < values.length; index++, offset += 6) {
    bytes.writeInt32BE(2, offset);
    bytes.writeInt16BE(values[index] as number, offset + 4);
  }
  return bytes;
}

export function intArray(values: readonly number[]): Buffer {
  const { bytes, at } = begin(OID.int, values.length, values.length * 8);
  for (let index = 0, offset = at; index < values.length; index++, offset += 8) {
    bytes.writeInt32BE(4, offset);
    bytes.writeInt32BE(values[index] as number, offset + 4);
  }
  return bytes;
}

/** @param values whole numbers within ±2⁵³ */
export function bigintArray(values: readonly number[]): Buffer {
  const { bytes, at } = begin(OID.bigint, values.length, values.length * 12);
  for (let index = 0, offset = at; index < values.length; index++, offset += 12) {
    const value = values[index] as number;
    const high = Math.floor(value / 0x1_0000_0000);
    bytes.writeInt32BE(8, offset);
    bytes.writeInt32BE(high, offset + 4);
    bytes.writeUInt32BE(value - high * 0x1_0000_0000, offset + 8);
  }
  return bytes;
}

/** @param values UUIDs in printed form */
export function uuidArray(values: readonly (string | null)[]): Buffer {
  const { bytes, at } = begin(OID.uuid, values.length, values.length * 20);
  let offset = at;
  for (const value of values) {
    bytes.writeInt32BE(value === null ? NULL_LENGTH : 16, offset);
    offset += 4;
    if (value !== null) offset += bytes.write(value.replaceAll('-', ''), offset, 'hex');
  }
  return bytes.subarray(0, offset);
}

/** Zero characters, which PostgreSQL cannot hold, become U+FFFD. */
export function textArray(values: readonly (string | null)[]): Buffer {
  return variableArray(OID.text, values.map((value) => (value?.includes('\0') === true ? value.replaceAll('\0', '\ufffd') : value)), 0);
}

/** @param values texts of JSON that PostgreSQL takes: see `storableJson` */
export function jsonbArray(values: readonly (string | Buffer | null)[]): Buffer {
  return variableArray(OID.jsonb, values, 1);
}

export function byteaArray(values: readonly (Buffer | null)[]): Buffer {
  return variableArray(OID.bytea, values, 0);
}

function variableArray(oid: number, values: readonly (string | Buffer | null)[], versionBytes: 0 | 1): Buffer {
  let size = 0;
  for (const value of values) size += 4 + versionBytes + (value === null ? 0 : typeof value === 'string' ? value.length * 3 : value.length);
  const { bytes, at } = begin(oid, values.length, size);
  let offset = at;
  for (const value of values) {
    if (value === null) {
      bytes.writeInt32BE(NULL_LENGTH, offset);
      offset += 4;
      continue;
    }
    const start = offset + 4;
    if (versionBytes === 1) bytes[start] = JSONB_VERSION;
    const length = versionBytes + (typeof value === 'string' ? bytes.write(value, start + versionBytes) : value.copy(bytes, start + versionBytes));
    bytes.writeInt32BE(length, offset);
    offset = start + length;
  }
  return bytes.subarray(0, offset);
}

/** Dimensions (0 for an empty array), whether nulls may occur, the element type, its length, the lower bound. */
function begin(oid: number, length: number, elementBytes: number): { bytes: Buffer; at: number } {
  if (length === 0) {
    const bytes = Buffer.alloc(12);
    bytes.writeInt32BE(oid, 8);
    return { bytes, at: 12 };
  }
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + elementBytes);
  bytes.writeInt32BE(1, 0);
  bytes.writeInt32BE(1, 4);
  bytes.writeInt32BE(oid, 8);
  bytes.writeInt32BE(length, 12);
  bytes.writeInt32BE(1, 16);
  return { bytes, at: HEADER_BYTES };
}
