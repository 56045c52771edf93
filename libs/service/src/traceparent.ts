import { randomBytes } from 'node:crypto';

/** W3C trace context of something that nobody's request has brought about: a trace of its own, not sampled. */
export function newTraceparent(): string {
  const random = randomBytes(24).toString('hex');
  return `00-${random.slice(0, 32)}-${random.slice(32)}-00`;
}
