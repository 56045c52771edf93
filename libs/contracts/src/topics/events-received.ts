import { RETENTION, type Topic } from './topic.js';

/**
 * Written by ingestion, read by consent. Partition: of the profile. Accepted, de-duplicated, identified events; each frame
 * carries, per inlet partition, up to where ingestion has forwarded everything.
 */
export const eventsReceived: Topic = {
  name: 'events.received',
  carries: 'frames',
  partitions: 'profiles',
  config: RETENTION,
};
