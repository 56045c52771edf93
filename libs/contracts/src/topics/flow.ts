import type { Topic } from './topic.js';
import { RETENTION } from './topic.js';
import { consentsChanged } from './consents-changed.js';
import { eventsCleansed } from './events-cleansed.js';
import { eventsConsented } from './events-consented.js';
import { eventsReceived } from './events-received.js';
import { inboundEvents } from './inbound-events.js';
import { messagesSent } from './messages-sent.js';
import { profilesMerged } from './profiles-merged.js';
import { profilesScored } from './profiles-scored.js';
import { segmentsChanged } from './segments-changed.js';
import { segmentsDefined } from './segments-defined.js';

/** One stage of the flow: what it reads and writes. */
export interface FlowStage {
  readonly name: StageName;
  readonly reads: Topic;
  readonly writes: readonly Topic[];
}

export type StageName = 'ingestion' | 'consent' | 'cleansing' | 'scoring' | 'segmentation' | 'delivery';

/** The whole system as data, in flow order. `npm run flow` prints it; the topics are created from it. */
export const flow: readonly FlowStage[] = [
  { name: 'ingestion', reads: inboundEvents, writes: [eventsReceived, profilesMerged] },
  { name: 'consent', reads: eventsReceived, writes: [eventsConsented, consentsChanged] },
  { name: 'cleansing', reads: eventsConsented, writes: [eventsCleansed] },
  { name: 'scoring', reads: eventsCleansed, writes: [profilesScored] },
  { name: 'segmentation', reads: profilesScored, writes: [segmentsChanged, segmentsDefined] },
  { name: 'delivery', reads: segmentsChanged, writes: [messagesSent] },
];

/** Where a stage sets aside a record that can never succeed: original key and bytes, the reason in headers. */
export function parkedTopic(stage: StageName): Topic {
  return { name: `${stage}.parked`, carries: 'records', partitions: 'one', config: RETENTION };
}

/** Every topic of the system, each once. */
export function allTopics(): readonly Topic[] {
  const topics = flow.flatMap((stage) => [stage.reads, ...stage.writes, parkedTopic(stage.name)]);
  return [...new Map(topics.map((topic) => [topic.name, topic])).values()];
}
