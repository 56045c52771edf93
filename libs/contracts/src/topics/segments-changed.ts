import { RETENTION, type Topic } from './topic.js';

/**
 * Public. Written by segmentation, read by delivery and by anyone. Key: profile id. One record is one membership change
 * (`SegmentChange`), in sequence per profile, at least once: a repeated record is byte-identical.
 */
export const segmentsChanged: Topic = {
  name: 'segments.changed',
  carries: 'records',
  partitions: 'profiles',
  config: RETENTION,
};
