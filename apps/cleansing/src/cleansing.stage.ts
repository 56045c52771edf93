import { Controller } from '@nestjs/common';
import type { Entry } from '@tributary/contracts/entry';
import { eventsCleansed } from '@tributary/contracts/topics/events-cleansed';
import { eventsConsented } from '@tributary/contracts/topics/events-consented';
import { cleanse, type Cleansed } from '@tributary/domain/cleansing/cleanse';
import type { CleansingTools } from '@tributary/domain/cleansing/normalized';
import type { Decision, Ending, EntryStage } from '@tributary/stream/stage';
import { HostStage } from '@tributary/stream/stage-transport';
import { BatchCounts } from './quality-counts.postgres.js';
import { insertQuarantined, type QuarantinedEntry } from './quarantine.postgres.js';
import { worldKnowledge } from './world-knowledge.js';

@Controller()
export class CleansingStageHost {
  @HostStage()
  stage(): EntryStage {
    return new CleansingStage(worldKnowledge);
  }
}

/**
 * Makes events right or sets them aside with a reason. Most pass as they are, without a copy or a parse; a batch in which
 * nothing was wrong writes nothing.
 */
export class CleansingStage implements EntryStage {
  readonly kind = 'entries';
  readonly name = 'cleansing';
  readonly reads = eventsConsented;
  readonly writes = eventsCleansed;

  constructor(private readonly tools: CleansingTools) {}

  async decide(entries: readonly Entry[]): Promise<Decision> {
    const counts = new BatchCounts();
    const quarantined: QuarantinedEntry[] = [];
    const endings = entries.map((entry): Ending => {
      if (entry.kind !== 'event') return { ending: 'forward', entries: [entry] };
      const cleansed = cleanse(entry, entry.body, this.tools);
      if (cleansed.outcome === 'quarantined') {
        quarantined.push({ entry, reason: cleansed.reason, pointer: cleansed.pointer });
        counts.add(entry.workspace, cleansed.reason, entry.appendedAtMs);
      } else for (const { issue } of cleansed.issues) counts.add(entry.workspace, issue, entry.appendedAtMs);
      return endingOf(entry, cleansed);
    });
    const counted = counts.write();
    return { endings, writes: [...(quarantined.length > 0 ? [insertQuarantined(quarantined)] : []), ...(counted === null ? [] : [counted])] };
  }
}

function endingOf(entry: Entry, cleansed: Cleansed): Ending {
  switch (cleansed.outcome) {
    case 'kept':
      return { ending: 'forward', entries: [entry] };
    case 'changed':
      return { ending: 'forward', entries: [{ ...entry, body: cleansed.body }] };
    case 'quarantined':
      return { ending: 'park', reason: cleansed.reason };
  }
}
