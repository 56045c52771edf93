import { RETENTION, type Topic } from './topic.js';

/**
 * Public. Written by delivery. Key: profile id. One record is the decision to send or not to send, with its reason.
 */
export const messagesSent: Topic = {
  name: 'messages.sent',
  carries: 'records',
  partitions: 'profiles',
  config: RETENTION,
};
