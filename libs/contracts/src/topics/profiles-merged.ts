import { RETENTION, type Topic } from './topic.js';

/**
 * Written by ingestion. Key: profile id of the loser. One record is one merge: loser, survivor, workspace, when.
 */
export const profilesMerged: Topic = {
  name: 'profiles.merged',
  carries: 'records',
  partitions: 'one',
  config: RETENTION,
};
