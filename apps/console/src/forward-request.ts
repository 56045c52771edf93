import { Agent, request as startHttp, type IncomingMessage } from 'node:http';
import { request as startHttps } from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { pipeline as streamed } from 'node:stream/promises';
import { Problem } from '@tributary/service/problem';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LimitBytes } from './limit-bytes.js';

/** What one forwarded request may take. */
export interface ForwardLimits {
  /** Of a request's body, bytes. */
  readonly requestBytesMax: number;
  /** Of an answer's body, bytes: what is longer is cut off, with the connection. */
  readonly responseBytesMax: number;
  /** Without a byte in either direction. */
  readonly idleMs: number;
  readonly totalMs: number;
}

export const FORWARD_LIMITS: ForwardLimits = { requestBytesMax: 64 * 1_048_576, responseBytesMax: 256 * 1_048_576, idleMs: 30_000, totalMs: 300_000 };

/** Named one by one: whatever else a browser sends (cookies, keys, forwarding and hop-by-hop headers) stays here. */
const REQUEST_HEADERS = ['accept', 'accept-encoding', 'accept-language', 'content-type', 'content-encoding', 'if-match', 'if-none-match', 'traceparent'] as const;
const RESPONSE_HEADERS = ['content-type', 'content-encoding', 'content-disposition', 'etag', 'retry-after'] as const;

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/**
 * Sends a request on to a service under the console's own key, and streams the answer back.
 * @param url at the service, checked by the caller
 * @throws Problem 503 when the service does not answer or refuses the key, 413 for a body beyond the limit
 */
export async function forwardRequest(request: FastifyRequest, reply: FastifyReply, url: URL, adminKey: string, limits: ForwardLimits): Promise<FastifyReply> {
  const body = request.body as Readable | undefined;
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limits.requestBytesMax) throw tooLarge(limits);
  const abort = new AbortController();
  const deadline = setTimeout(() => abort.abort(), limits.totalMs);
  reply.raw.once('close', () => {
    clearTimeout(deadline);
    abort.abort();
  });
  const answer = await ask(request, body, url, adminKey, limits, abort.signal);
  if (answer.statusCode === 401) {
    answer.destroy();
    throw new Problem(503, 'service_refused_key', 'The service does not know the admin key that this console has. Check CONSOLE_ADMIN_KEY, or the credentials file.');
  }
  for (const name of RESPONSE_HEADERS) {
    const value = answer.headers[name];
    if (value !== undefined) void reply.header(name, value);
  }
  void reply.status(answer.statusCode ?? 502);
  // An answer that breaks off breaks off at the browser too: half of it must not look like all of it.
  return reply.send(pipeline(answer, new LimitBytes(limits.responseBytesMax), (error) => error && reply.raw.destroy()));
}

async function ask(
  request: FastifyRequest, body: Readable | undefined, url: URL, adminKey: string, limits: ForwardLimits, signal: AbortSignal,
): Promise<IncomingMessage> {
  const headers: Record<string, string> = { authorization: `Bearer ${adminKey}` };
  for (const name of REQUEST_HEADERS) {
    const value = request.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  if (request.headers['content-length'] !== undefined) headers['content-length'] = request.headers['content-length'];
  const start = url.protocol === 'https:' ? startHttps : startHttp;
  const outgoing = start(url, { method: request.method, headers, signal, timeout: limits.idleMs, ...(url.protocol === 'http:' ? { agent } : {}) });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
    outgoing.once('timeout', () => outgoing.destroy(new Error('timeout')));
  });
  answered.catch(() => undefined);
  try {
    if (body === undefined) outgoing.end();
    // A service may answer before it has read everything, e.g. to refuse.
    else await Promise.race([streamed(body, new LimitBytes(limits.requestBytesMax), outgoing), answered]);
    return await answered;
  } catch (error) {
    outgoing.destroy();
    if (error instanceof RangeError) throw tooLarge(limits);
    // The service closed a kept connection in the moment of its reuse; on the next one nothing has been sent yet.
    if (body === undefined && outgoing.reusedSocket && !signal.aborted) return ask(request, body, url, adminKey, limits, signal);
    throw new Problem(503, 'service_unavailable', 'This service does not answer right now. It is tried again as soon as you ask again.', [], 1);
  }
}

function tooLarge(limits: ForwardLimits): Problem {
  return new Problem(413, 'too_large', `A request through the console has at most ${limits.requestBytesMax / 1_048_576} MB.`);
}
