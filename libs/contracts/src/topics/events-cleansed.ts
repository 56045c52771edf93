import { RETENTION, type Topic } from './topic.js';

/**
 * Written by cleansing, read by scoring. Normalized and validated.
 */
export const eventsCleansed: Topic = {
  name: 'events.cleansed',
  carries: 'frames',
  partitions: 'profiles',
  config: RETENTION,
};
