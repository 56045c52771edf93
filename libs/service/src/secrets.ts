import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** SHA-256 of a key: what is stored and looked up instead of the key itself. */
export function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** A new random key, 192 bits, URL-safe, with a prefix that tells its kind. */
export function newKey(prefix: string): string {
  return `${prefix}_${randomBytes(24).toString('base64url')}`;
}

/** HMAC-SHA256, base64url. Parts are length-prefixed, so that no two lists of parts sign alike. */
export function sign(secret: string, ...parts: readonly (string | Buffer)[]): string {
  const hmac = createHmac('sha256', secret);
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    hmac.update(`${bytes.length}:`).update(bytes);
  }
  return hmac.digest('base64url');
}

/** Compares in constant time, whatever the lengths. */
export function equalSecrets(left: string, right: string): boolean {
  return timingSafeEqual(hashKey(left), hashKey(right));
}
