import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Line } from '@tributary/stream/line';
import { metricsContentType, metricsText } from './metrics.js';

/**
 * `/health/live`: the loops turn (else restart it). `/health/ready`: joined, claimed, able to process (else send no
 * traffic). `/metrics`: Prometheus text.
 */
export function addHealth(app: NestFastifyApplication, lines: () => readonly Line[]): void {
  const fastify = app.getHttpAdapter().getInstance();
  fastify.get('/health/live', async (_, reply) => {
    const health = lines().map((line) => line.health());
    return reply.status(health.every(({ live }) => live) ? 200 : 503).send({ live: health.every(({ live }) => live), lines: health.map(({ detail }) => detail) });
  });
  fastify.get('/health/ready', async (_, reply) => {
    const health = lines().map((line) => line.health());
    const ready = health.length > 0 && health.every((line) => line.ready);
    return reply.status(ready ? 200 : 503).send({ ready, lines: health.map(({ detail }) => detail) });
  });
  fastify.get('/metrics', async (_, reply) => reply.header('content-type', metricsContentType).send(await metricsText()));
}
