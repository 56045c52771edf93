import { Controller } from '@nestjs/common';
import { ServiceConfig } from '@tributary/service/config';
import { ServicePool } from '@tributary/service/service-pool';
import { transferRecord } from '@tributary/service/transfer-record';
import type { FoldStage } from '@tributary/stream/stage';
import { HostStage } from '@tributary/stream/stage-transport';
import { ChangeLog } from './change-log.js';
import { DefinitionSwitch } from './definition-switch.js';
import { EngineDirectory } from './engine-directory.js';
import { HeldEntries } from './held-entries.postgres.js';
import { ListChanges } from './list-change.js';
import type { ProfileRecord } from './profile-record.js';
import { ProfileRecords } from './profile-records.postgres.js';
import { SegmentationFold } from './segmentation-fold.js';

/** profiles.scored → segments.changed: who is in which segment, and why. */
@Controller()
export class SegmentationStage {
  readonly #fold: SegmentationFold;

  constructor({ keyed }: ServicePool, config: ServiceConfig, engines: EngineDirectory, records: ProfileRecords, definitionSwitch: DefinitionSwitch) {
    this.#fold = new SegmentationFold({
      partitions: config.PARTITIONS,
      engines,
      records,
      held: new HeldEntries(keyed),
      definitionSwitch,
      lists: new ListChanges(config.TRIBUTARY_SECRET),
      changes: new ChangeLog(keyed, { partitions: config.PARTITIONS, clock: Date.now }),
      transferRecord: (transfer, messageId) => transferRecord(transfer, messageId, config.TRIBUTARY_SECRET),
    });
  }

  @HostStage()
  stage(): FoldStage<ProfileRecord> {
    return this.#fold;
  }
}
