import { RETENTION, type Topic } from './topic.js';

/**
 * The one way in. Written by the HTTP collector, webhooks, other services (signed) and upstream applications; read by
 * ingestion. Key: any. One record is one Segment-spec event, a CloudEvents envelope of it, a control record or a tick.
 * The append time that the broker gives it is the one clock that decides. Upstream may compress as it likes: the broker
 * unpacks, because not every client of ours can.
 */
export const inboundEvents: Topic = {
  name: 'inbound.events',
  carries: 'records',
  partitions: 'inlet',
  config: { ...RETENTION, 'message.timestamp.type': 'LogAppendTime', 'compression.type': 'uncompressed' },
};
