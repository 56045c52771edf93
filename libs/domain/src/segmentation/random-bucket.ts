import { createHash } from 'node:crypto';
import { decimalOf } from './exact-decimal.js';

const HUNDREDTH = 2n ** 64n;

/** Is the profile in the bucket `[from, to)` of 100 (rule 28)? Exact: the hash is never rounded to a double. */
export function isInBucket(random: { readonly salt: string; readonly from: number; readonly to: number }, profileId: string): boolean {
  const hash = bucketHash(random.salt, profileId) * 100n;
  return hash >= scaled(random.from) && hash < scaled(random.to);
}

/** Where the profile stands, in percent, for people to read. */
export function bucketPercent(salt: string, profileId: string): number {
  return Number((bucketHash(salt, profileId) * 100_000_000n) / HUNDREDTH) / 1_000_000;
}

function bucketHash(salt: string, profileId: string): bigint {
  return createHash('sha256').update(`${salt}:${profileId}`).digest().readBigUInt64BE(0);
}

/** `percent · 2⁶⁴`, rounded up, for the decimal that the number is written as. */
function scaled(percent: number): bigint {
  const { digits, scale } = decimalOf(percent);
  const product = digits * HUNDREDTH;
  const divisor = 10n ** BigInt(scale);
  return (product + divisor - 1n) / divisor;
}
