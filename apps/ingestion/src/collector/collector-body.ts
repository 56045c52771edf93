import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip, createInflate } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '@tributary/service/problem';

/** Bytes of one request, after inflating. */
export const REQUEST_BYTES_MAX = 500 * 1024;

/** Paths whose bodies the collector reads itself. */
const COLLECTOR = /^\/v1\/(?:identify|track|page|screen|group|alias|batch)(?:\?|$)/;
/** Whatever a client calls its JSON (browsers avoid preflights by calling it text), here it is this. */
const TYPE = 'application/x-collected';

/**
 * Gives the collector's requests their bodies as bytes: any content type, gzip or deflate, limits after inflating. Answers
 * browsers of other origins: write keys of browsers are public, and nothing can be read with them.
 */
export function installCollectorBody(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    if (!COLLECTOR.test(request.url)) return;
    void reply.header('access-control-allow-origin', '*');
    if (request.method === 'OPTIONS') {
      return reply.headers({ 'access-control-allow-methods': 'POST', 'access-control-allow-headers': '*, authorization', 'access-control-max-age': '86400' }).status(204).send();
    }
    request.raw.headers['content-type'] = TYPE;
  });
  fastify.addContentTypeParser(TYPE, (request: FastifyRequest, payload: IncomingMessage) => readBody(payload, request.headers['content-encoding']));
}

/** @throws Problem 400, 413 or 415 */
export async function readBody(payload: Readable, encoding: string | undefined): Promise<Buffer> {
  const inflated = inflate(payload, encoding?.trim().toLowerCase());
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of inflated as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      // Leaving the loop destroys the stream: nothing more is inflated.
      if (bytes > REQUEST_BYTES_MAX) throw new Problem(413, 'too_large', 'A request has at most 500 KB, inflated. Send smaller batches.');
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(400, 'malformed_body', 'The body ended early or is not what Content-Encoding says.');
  }
  return Buffer.concat(chunks, bytes);
}

function inflate(payload: Readable, encoding: string | undefined): Readable {
  if (encoding === undefined || encoding === '' || encoding === 'identity') return payload;
  if (encoding !== 'gzip' && encoding !== 'x-gzip' && encoding !== 'deflate') {
    throw new Problem(415, 'unsupported_encoding', 'Content-Encoding must be gzip, deflate or none.');
  }
  const stream = encoding === 'deflate' ? createInflate() : createGunzip();
  let bytes = 0;
  payload.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > REQUEST_BYTES_MAX) stream.destroy(new Problem(413, 'too_large', 'A request has at most 500 KB. Send smaller batches.'));
  });
  payload.once('error', (error) => stream.destroy(error));
  return payload.pipe(stream);
}
