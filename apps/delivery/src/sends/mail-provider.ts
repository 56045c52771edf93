import type { SendFailure } from '@tributary/domain/delivery/classify-failure';

/** A mail, ready to leave. */
export interface Mail {
  /** Names the mail for the provider and for us: the id of the send. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  readonly headers: { readonly [name: string]: string };
}

export type HandOver =
  /** The provider has taken responsibility for it. */
  | { readonly handOver: 'accepted' }
  | { readonly handOver: 'failed'; readonly failure: SendFailure };

/**
 * Who brings mail to people. SMTP is the first; providers with an API of their own take their place beside it. Never
 * tries again by itself, and never throws for what happens on the wire.
 */
export interface MailProvider {
  send(mail: Mail): Promise<HandOver>;
  close(): void;
}
