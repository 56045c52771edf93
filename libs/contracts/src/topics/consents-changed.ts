import { RETENTION, type Topic } from './topic.js';

/**
 * Written by consent. Key: profile id. One record is one ledger entry.
 */
export const consentsChanged: Topic = {
  name: 'consents.changed',
  carries: 'records',
  partitions: 'one',
  config: RETENTION,
};
