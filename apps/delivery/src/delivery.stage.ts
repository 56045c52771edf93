import { Controller } from '@nestjs/common';
import type { Stage } from '@tributary/stream/stage';
import { HostStage } from '@tributary/stream/stage-transport';
import { ChangesStage } from './decide-changes.js';

/** Hosts the stage that turns membership changes into claims. */
@Controller()
export class DeliveryStage {
  constructor(private readonly changes: ChangesStage) {}

  @HostStage()
  stage(): Stage {
    return this.changes;
  }
}
