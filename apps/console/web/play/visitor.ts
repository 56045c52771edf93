import { request as startHttp } from 'node:http';
import { EMAIL, PASSWORD, type PlayConsole } from './start-console.js';

export interface Message {
  readonly event: string;
  readonly id?: string;
  readonly data: Record<string, unknown>;
}

export interface Stream {
  /** The first message of this kind that fits, also of those that came before. */
  until(event: string, holds: (data: Record<string, unknown>) => boolean): Promise<Message>;
  readonly ended: Promise<void>;
  close(): void;
}

/** Somebody with a cookie, over real HTTP. */
export class Visitor {
  cookie = '';
  csrfToken = '';

  constructor(readonly played: PlayConsole) {}

  /** @throws Error when the login does not succeed */
  async logIn(): Promise<this> {
    const answer = await this.post('/api/session', { email: EMAIL, password: PASSWORD });
    if (answer.status !== 201) throw new Error(`the login was answered with ${answer.status}`);
    this.cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
    this.csrfToken = ((await answer.json()) as { csrfToken: string }).csrfToken;
    return this;
  }

  get(path: string, headers: Record<string, string> = {}, signal: AbortSignal | null = null): Promise<Response> {
    return fetch(this.played.url + path, { headers: { ...this.#credentials(), ...headers }, signal });
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.played.url + path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...this.#credentials(), ...headers } });
  }

  delete(path: string): Promise<Response> {
    return fetch(this.played.url + path, { method: 'DELETE', headers: this.#credentials() });
  }

  /** The path as it is written: fetch would resolve dots. Answers the status. */
  getRaw(path: string): Promise<number> {
    const { hostname, port } = new URL(this.played.url);
    return new Promise((resolve, reject) => {
      startHttp({ hostname, port, path, headers: this.#credentials(), agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      })
        .once('error', reject)
        .end();
    });
  }

  async open(path: string, lastEventId?: string): Promise<Stream> {
    const abort = new AbortController();
    const answer = await this.get(path, lastEventId === undefined ? {} : { 'last-event-id': lastEventId }, abort.signal);
    if (answer.headers.get('content-type') !== 'text/event-stream; charset=utf-8') throw new Error(`${path} is no stream but ${answer.status}`);
    const messages: Message[] = [];
    const read = async () => {
      let text = '';
      for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
        text += Buffer.from(chunk).toString();
        const blocks = text.split('\n\n');
        text = blocks.pop() as string;
        messages.push(...blocks.map(parseMessage).filter((message) => message !== null));
      }
    };
    const ended = read().catch(() => undefined);
    const until = async (event: string, holds: (data: Record<string, unknown>) => boolean): Promise<Message> => {
      const found = () => messages.find((message) => message.event === event && holds(message.data));
      await waitUntil(() => found() !== undefined);
      return found() as Message;
    };
    return { until, ended, close: () => abort.abort() };
  }

  #credentials(): Record<string, string> {
    return { ...(this.cookie === '' ? {} : { cookie: this.cookie }), ...(this.csrfToken === '' ? {} : { 'x-csrf-token': this.csrfToken }) };
  }
}

const WAIT_MS_MAX = 15_000;

/** @throws Error when it does not happen within 15 s */
export async function waitUntil(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + WAIT_MS_MAX;
  while (!(await holds())) {
    if (Date.now() > deadlineMs) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function parseMessage(block: string): Message | null {
  const field = (name: string) => block.split('\n').find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  const [event, data, id] = [field('event'), field('data'), field('id')];
  return event === undefined || data === undefined ? null : { event, data: JSON.parse(data) as Record<string, unknown>, ...(id === undefined ? {} : { id }) };
}
