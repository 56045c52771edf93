import { RETENTION, type Topic } from './topic.js';

/**
 * Written by consent, read by cleansing. The same with the purposes that each event may be used for.
 */
export const eventsConsented: Topic = {
  name: 'events.consented',
  carries: 'frames',
  partitions: 'profiles',
  config: RETENTION,
};
