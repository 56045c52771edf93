import { createHmac } from 'node:crypto';
import type { Identifier } from '@tributary/domain/ingestion/read-identifiers';

/**
 * The id of the profile that is made for an identifier: a UUID of version 8 (RFC 9562) out of HMAC-SHA256 with the
 * workspace's secret. The first byte stays as it comes, so shards are uniform, and nobody outside can tell whose id it is.
 */
export function deriveProfileId(idSecret: Buffer, { type, value }: Identifier): string {
  const bytes = createHmac('sha256', idSecret).update(`${type}:${value}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
