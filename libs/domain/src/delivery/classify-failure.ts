/** How the hand-over of a mail failed. */
export interface SendFailure {
  /** The server's reply code, if it gave one. */
  readonly replyCode: number | null;
  /** The server's reply, in which an enhanced status code (RFC 3463) may stand. */
  readonly reply: string;
  /** The command that was answered: connecting and logging in, the envelope, the content. */
  readonly stage: 'session' | 'envelope' | 'content';
  /** Whether the whole mail may have reached the server. */
  readonly isContentComplete: boolean;
}

export type FailureOutcome =
  /** For good. `suppress`: the address does not exist, nobody must write to it again. */
  | { readonly outcome: 'refused'; readonly suppress: boolean }
  /** Nothing was accepted: it may be tried again. `all`: the server as a whole, not this mail. */
  | { readonly outcome: 'retry'; readonly all: boolean }
  /** It may have been accepted: never again. */
  | { readonly outcome: 'unknown' };

/**
 * A reply decides whatever came before it. Without one, it depends on whether the server could have taken the mail.
 * Bounces over policy, spam or a full mailbox say nothing about the address (5.7.x, 5.2.2); an unknown mailbox or
 * domain does (5.1.1 to 5.1.3, 5.1.6, 5.1.10).
 */
export function classifyFailure({ replyCode, reply, stage, isContentComplete }: SendFailure): FailureOutcome {
  if (replyCode === null) return isContentComplete ? { outcome: 'unknown' } : { outcome: 'retry', all: true };
  // The server is misconfigured for us (log-in, TLS): that is no fault of this mail, and somebody can repair it.
  if (stage === 'session' || replyCode === 421) return { outcome: 'retry', all: true };
  if (replyCode < 500) return { outcome: 'retry', all: false };
  return { outcome: 'refused', suppress: isUnknownAddress(stage, replyCode, reply) };
}

function isUnknownAddress(stage: SendFailure['stage'], replyCode: number, reply: string): boolean {
  const enhanced = /\b5\.(\d{1,3})\.(\d{1,3})\b/.exec(reply);
  if (enhanced !== null) return enhanced[1] === '1' && ['1', '2', '3', '6', '10'].includes(enhanced[2] as string);
  return stage === 'envelope' && replyCode === 550 && /user unknown|no such (user|mailbox)|unknown (user|recipient)|does not exist|invalid (recipient|mailbox)/i.test(reply);
}

const RETRY_DELAYS_MS = [1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000] as const;

/** A mail about what happened yesterday serves nobody. */
export const SEND_WITHIN_MS = 86_400_000;

/**
 * When to try again.
 * @param attempts how often it has been tried
 * @returns epoch ms, or null to give up
 */
export function retryAtMs(attempts: number, claimedMs: number, nowMs: number): number | null {
  const atMs = nowMs + (RETRY_DELAYS_MS[Math.min(attempts, RETRY_DELAYS_MS.length) - 1] ?? RETRY_DELAYS_MS[0]);
  return atMs > claimedMs + SEND_WITHIN_MS ? null : atMs;
}
