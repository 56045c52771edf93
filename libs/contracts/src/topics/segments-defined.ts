import type { Topic } from './topic.js';

/**
 * Written by segmentation. Key: workspace and segment key. The newest definition of each segment, null when it is
 * deleted or paused.
 */
export const segmentsDefined: Topic = {
  name: 'segments.defined',
  carries: 'records',
  partitions: 'one',
  config: { 'cleanup.policy': 'compact' },
};
