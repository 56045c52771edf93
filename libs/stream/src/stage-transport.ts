import { type CustomTransportStrategy, EventPattern, Server, Transport } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import type { Stage } from './stage.js';

/** Tells our transport's handlers from those of other transports in the same application. */
const STAGES = Symbol('tributary stages');
const HOSTED = 'stage';

/**
 * Marks the method of a Nest controller that answers the stage which this service hosts. It is called once, at start;
 * from then on the stage's own methods get whole batches.
 */
export function HostStage(): MethodDecorator {
  return EventPattern(HOSTED, STAGES as unknown as Transport) as MethodDecorator;
}

/** Nest's custom transport for stages: it gathers what the application hosts and hands it to the line that runs it. */
export class StageTransport extends Server implements CustomTransportStrategy {
  override readonly transportId = STAGES as unknown as Transport;

  constructor(private readonly host: (stage: Stage) => void) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    this.#gather().then(() => callback(), callback);
  }

  async #gather(): Promise<void> {
    for (const handler of this.messageHandlers.values()) {
      const answer: unknown = await handler(undefined, undefined);
      this.host((isObservable(answer) ? await lastValueFrom(answer) : answer) as Stage);
    }
  }

  close(): void {}

  on(): never {
    throw new Error('a stage has no events to listen to');
  }

  unwrap(): never {
    throw new Error('a stage is hosted by a line; there is no server to unwrap');
  }
}
