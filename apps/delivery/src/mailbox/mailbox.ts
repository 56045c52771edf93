import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { readMail } from './caught-mail.js';
import { MailStore } from './mail-store.memory.js';
import { answerMailboxRequest } from './mailbox-door.js';

const MAIL_BYTES_MAX = 10 * 1_048_576;
const CONNECTIONS_MAX = 100;
const SOCKET_MS_MAX = 60_000;

export interface MailboxOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly httpPort: number;
  readonly smtpPort: number;
}

/** An SMTP server that takes everything and delivers nothing, with a page and an API to look at what came. */
export class Mailbox {
  readonly store = new MailStore();
  readonly #http: Server;
  readonly #smtp: SMTPServer;

  constructor(private readonly options: MailboxOptions) {
    this.#http = createServer((request, response) => answerMailboxRequest(this.store, request, response, options.host));
    this.#smtp = new SMTPServer({
      name: 'mailbox',
      banner: 'Tributary development mailbox',
      authOptional: true,
      onAuth: (_auth, _session, done) => done(null, { user: 'anybody' }),
      disabledCommands: ['STARTTLS'],
      disableReverseLookup: true,
      size: MAIL_BYTES_MAX,
      maxClients: CONNECTIONS_MAX,
      socketTimeout: SOCKET_MS_MAX,
      closeTimeout: 1_000,
      onData: (stream, session, done) => void this.#take(stream, session).then(() => done(), done),
    });
    // A client that goes away in the middle is its own affair.
    this.#smtp.on('error', () => undefined);
  }

  /** @throws Error when a port is taken */
  async start(): Promise<{ readonly httpPort: number; readonly smtpPort: number }> {
    const { host, httpPort, smtpPort } = this.options;
    await listen(this.#http, httpPort, host);
    await listen(this.#smtp.server, smtpPort, host);
    return { httpPort: portOfServer(this.#http), smtpPort: portOfServer(this.#smtp.server) };
  }

  async stop(): Promise<void> {
    this.#http.closeAllConnections();
    await Promise.all([new Promise<void>((resolve) => this.#http.close(() => resolve())), new Promise<void>((resolve) => this.#smtp.close(() => resolve()))]);
  }

  async #take(stream: SMTPServerDataStream, { envelope }: SMTPServerSession): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) if (!stream.sizeExceeded) chunks.push(chunk as Buffer);
    if (stream.sizeExceeded) throw Object.assign(new Error('5.3.4 the mail is too large'), { responseCode: 552 });
    const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
    const to = envelope.rcptTo.map(({ address }) => address);
    this.store.add(await readMail(randomUUID(), Buffer.concat(chunks), { from, to }, Date.now()));
  }
}

function listen(server: NetServer, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

const portOfServer = (server: NetServer): number => (server.address() as AddressInfo).port;
