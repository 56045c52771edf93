// Keeps every mail that reached the mailbox, which itself forgets old ones.
import { setTimeout as sleep } from 'node:timers/promises';

export interface ReceivedMail {
  readonly id: string;
  readonly to: string;
  /** Id of the send, from the Message-ID. */
  readonly sendId: string;
  readonly receivedMs: number;
}

const LOOK_MS = 3_000;
/** Mails of the same instant may arrive while one is looking. */
const OVERLAP_MS = 5_000;

export class MailWatch {
  readonly mails = new Map<string, ReceivedMail>();
  readonly #url: string;
  #loop: Promise<void> = Promise.resolve();
  #over = false;
  #sinceMs = 0;

  constructor(url: string) {
    this.#url = url;
  }

  start(): void {
    this.#loop = (async () => {
      while (!this.#over) {
        await this.look().catch(() => undefined);
        await sleep(LOOK_MS);
      }
    })();
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#loop;
    await this.look();
  }

  async look(): Promise<void> {
    const response = await fetch(`${this.#url}/api/messages?since=${new Date(this.#sinceMs).toISOString()}`, { signal: AbortSignal.timeout(10_000) });
    for (const { id, to, headers, receivedAt } of (await response.json()) as { id: string; to: string[]; headers: Record<string, string>; receivedAt: string }[]) {
      const receivedMs = Date.parse(receivedAt);
      this.#sinceMs = Math.max(this.#sinceMs, receivedMs - OVERLAP_MS);
      this.mails.set(id, { id, to: to[0] ?? '', sendId: /^<([^@]+)@/.exec(headers['message-id'] ?? '')?.[1] ?? '', receivedMs });
    }
  }
}
