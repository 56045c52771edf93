import type { CaughtMail } from './caught-mail.js';

const MAILS_MAX = 5_000;
const RAW_CHARACTERS_MAX = 256 * 1_048_576;

export interface MailFilter {
  /** One recipient; case does not matter. */
  readonly to?: string | undefined;
  /** Received at or after, epoch ms. */
  readonly sinceMs?: number | undefined;
}

/** The newest mails, 5,000 or 256 MB of them; older ones are forgotten. */
export class MailStore {
  /** Oldest first. */
  readonly #mails: CaughtMail[] = [];
  #characters = 0;

  add(mail: CaughtMail): void {
    this.#mails.push(mail);
    this.#characters += mail.raw.length;
    while (this.#mails.length > MAILS_MAX || (this.#characters > RAW_CHARACTERS_MAX && this.#mails.length > 1)) {
      this.#characters -= (this.#mails.shift() as CaughtMail).raw.length;
    }
  }

  /** Newest first. */
  list({ to, sinceMs }: MailFilter = {}): CaughtMail[] {
    const wanted = to?.toLowerCase();
    return this.#mails
      .filter((mail) => (wanted === undefined || mail.to.some((address) => address.toLowerCase() === wanted)) && (sinceMs === undefined || Date.parse(mail.receivedAt) >= sinceMs))
      .reverse();
  }

  find(id: string): CaughtMail | undefined {
    return this.#mails.find((mail) => mail.id === id);
  }

  clear(): void {
    this.#mails.length = 0;
    this.#characters = 0;
  }
}
