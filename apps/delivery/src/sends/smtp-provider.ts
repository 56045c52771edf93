import { PassThrough, type TransformCallback } from 'node:stream';
import type { SendFailure } from '@tributary/domain/delivery/classify-failure';
import { createTransport } from 'nodemailer';
import type { HandOver, Mail, MailProvider } from './mail-provider.js';

const CONNECT_MS_MAX = 10_000;
const SILENCE_MS_MAX = 30_000;

export interface SmtpOptions {
  /** smtp://user:password@host:port */
  readonly url: string;
  /** `Name <address>` */
  readonly from: string;
  readonly connectionsMax: number;
}

/** Mail over SMTP, on connections that are kept open. */
export class SmtpProvider implements MailProvider {
  readonly #transport;
  readonly #domain: string;

  constructor(private readonly options: SmtpOptions) {
    this.#domain = /@([^>\s]+)>?$/.exec(options.from)?.[1] ?? 'localhost';
    this.#transport = createTransport({
      url: options.url,
      pool: true,
      maxConnections: options.connectionsMax,
      // The pool would try again by itself; but before each attempt consent is asked anew, and it is recorded.
      maxRequeues: 0,
      connectionTimeout: CONNECT_MS_MAX,
      greetingTimeout: CONNECT_MS_MAX,
      socketTimeout: SILENCE_MS_MAX,
      disableFileAccess: true,
      disableUrlAccess: true,
    } as Parameters<typeof createTransport>[0]);
    // nodemailer reads the content only once the server has asked for it (354): the stream tells what may have arrived.
    this.#transport.use('stream', (mail, done) => {
      const watch = (mail.data as { watch?: ContentWatch }).watch;
      if (watch !== undefined) mail.message.transform(() => watch.stream());
      done();
    });
    // What goes wrong on a connection without a mail shows when the next mail needs it.
    this.#transport.on('error', () => undefined);
  }

  async send(mail: Mail): Promise<HandOver> {
    const content = new ContentWatch();
    try {
      await this.#transport.sendMail({
        from: this.options.from,
        to: { name: '', address: mail.to },
        subject: mail.subject,
        html: mail.html,
        text: mail.text,
        messageId: `<${mail.id}@${this.#domain}>`,
        headers: { ...mail.headers },
        textEncoding: 'quoted-printable',
        attachDataUrls: false,
        watch: content,
      } as object);
      return { handOver: 'accepted' };
    } catch (error) {
      return { handOver: 'failed', failure: toFailure(error, content) };
    }
  }

  close(): void {
    this.#transport.close();
  }
}

class ContentWatch {
  hasBegun = false;
  isComplete = false;

  stream(): PassThrough {
    const stream = new PassThrough();
    const passOn = stream._transform.bind(stream);
    stream._transform = (chunk: unknown, encoding: BufferEncoding, done: TransformCallback) => {
      this.hasBegun = true;
      passOn(chunk, encoding, done);
    };
    stream._flush = (done: TransformCallback) => {
      this.isComplete = true;
      done();
    };
    return stream;
  }
}

interface NodemailerError {
  readonly code?: string;
  readonly command?: string;
  readonly response?: string;
  readonly responseCode?: number;
  readonly rejectedErrors?: readonly { readonly response?: string; readonly responseCode?: number }[];
}

const SESSION_CODES = new Set(['EAUTH', 'ENOAUTH', 'EOAUTH2', 'ETLS', 'EREQUIRETLS', 'EDNS', 'EPROXY']);

function toFailure(error: unknown, content: ContentWatch): SendFailure {
  const { code = '', command = '', response, responseCode, rejectedErrors } = error as NodemailerError;
  const reply = { response: rejectedErrors?.[0]?.response ?? response, code: rejectedErrors?.[0]?.responseCode ?? responseCode };
  const isEnvelope = code === 'EENVELOPE' || /^(MAIL FROM|RCPT TO|DATA)$/.test(command);
  return {
    replyCode: reply.code ?? null,
    reply: reply.response ?? '',
    stage: content.hasBegun ? 'content' : isEnvelope && !SESSION_CODES.has(code) ? 'envelope' : 'session',
    isContentComplete: content.isComplete,
  };
}
