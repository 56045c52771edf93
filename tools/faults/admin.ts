// The management API as a careful client uses it while services come and go: asked again until it has answered.
import { setTimeout as sleep } from 'node:timers/promises';
import type { SegmentDefinition } from '@tributary/domain/segmentation/sql/context';
import type { Stack } from '../stack.ts';

const ANSWER_MS_MAX = 8_000;
const GIVE_UP_MS = 90_000;
const AGAIN_MS = 300;

type Service = 'consent' | 'segmentation' | 'delivery' | 'scoring';

export class Admin {
  readonly #stack: Stack;

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  /** Resolves with the body of the first answer that is one of `fine`. 4xx that are not are the caller's mistake. */
  async ask(service: Service, method: string, path: string, { body, fine = [200, 201] }: { readonly body?: object; readonly fine?: readonly number[] } = {}): Promise<Record<string, unknown>> {
    let last = '';
    for (const giveUpMs = Date.now() + GIVE_UP_MS; Date.now() < giveUpMs; await sleep(AGAIN_MS)) {
      const answer = await this.#try(service, method, path, body).catch((error: Error) => ({ status: 0, text: error.message }));
      if (fine.includes(answer.status)) return JSON.parse(answer.text || '{}') as Record<string, unknown>;
      last = `${answer.status} ${answer.text.slice(0, 300)}`;
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 404 && answer.status !== 429) break;
    }
    throw new Error(`${method} ${path} of ${service}: ${last}`);
  }

  async #try(service: Service, method: string, path: string, body: object | undefined): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.#stack.urls[service]}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#stack.credentials?.adminKey}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    return { status: response.status, text: await response.text() };
  }

  /** A repeat of an attempt whose answer was lost meets what it made: 409. */
  async define(segment: SegmentDefinition): Promise<void> {
    await this.ask('segmentation', 'POST', '/v1/segments', { body: { ...segment, name: segment.key }, fine: [201, 409] });
  }

  async edit(segment: SegmentDefinition): Promise<void> {
    await this.ask('segmentation', 'PUT', `/v1/segments/${segment.key}`, { body: { name: segment.key, rule: segment.rule, ...(segment.stay === undefined ? {} : { stay: segment.stay }) } });
  }

  async whenLive(key: string): Promise<void> {
    for (const giveUpMs = Date.now() + GIVE_UP_MS; ; await sleep(AGAIN_MS)) {
      if ((await this.ask('segmentation', 'GET', `/v1/segments/${key}`))['status'] === 'live') return;
      if (Date.now() > giveUpMs) throw new Error(`segment ${key} did not become live`);
    }
  }

  async segments(): Promise<SegmentDefinition[]> {
    return (await this.ask('segmentation', 'GET', '/v1/segments?limit=100'))['segments'] as SegmentDefinition[];
  }

  /** Resolves when the decision is in the ledger: from then on it counts. */
  async withdraw(userId: string, purpose: string): Promise<void> {
    await this.ask('consent', 'POST', '/v1/consents', { body: { profile: `userId:${userId}`, purpose, decision: 'withdrawn', source: 'faults', textVersion: '1' } });
  }
}
