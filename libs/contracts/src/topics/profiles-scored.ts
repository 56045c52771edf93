import { RETENTION, type Topic } from './topic.js';

/**
 * Written by scoring, read by segmentation. In the order in which each profile's facts became known, with the scores
 * after each entry; score changes by time alone are entries of their own at their exact instant. One writer a partition.
 */
export const profilesScored: Topic = {
  name: 'profiles.scored',
  carries: 'frames',
  partitions: 'profiles',
  sources: 'one',
  config: RETENTION,
};
