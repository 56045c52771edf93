// What was promised: every event that a door has answered for, and when.
import type { MadeEvent } from './event-source.ts';

export interface SentEvent extends MadeEvent {
  /** Epoch ms of the first attempt. */
  readonly firstSentMs: number;
  /** When a door said that it has it; null as long as none has. */
  acceptedMs: number | null;
  /** How often it was handed to a door, repeats of unanswered attempts included. */
  attempts: number;
}

export class AcceptedLog {
  readonly events = new Map<string, SentEvent>();
  /** Attempts that no door has answered for: their outcome is unknown, and they are repeated. */
  unanswered = 0;

  attempt(made: MadeEvent, nowMs: number): SentEvent {
    const id = made.message.messageId;
    const sent = this.events.get(id) ?? { ...made, firstSentMs: nowMs, acceptedMs: null, attempts: 0 };
    sent.attempts++;
    this.events.set(id, sent);
    return sent;
  }

  accept(id: string, nowMs: number): void {
    const sent = this.events.get(id) as SentEvent;
    sent.acceptedMs ??= nowMs;
  }

  accepted(): SentEvent[] {
    return [...this.events.values()].filter(({ acceptedMs }) => acceptedMs !== null);
  }
}
