// Every accepted event is in the history once, at its own time, with its own person; nothing else is.
import type { AcceptedLog, SentEvent } from './accepted-log.ts';
import type { Evidence, HistoryRow } from './evidence.ts';
import { doubled, type Finding, lost, type Verdict, wrong } from './finding.ts';
import type { Withdrawal } from './story.ts';

export interface EventsScene {
  readonly accepted: AcceptedLog;
  readonly evidence: Evidence;
  /** By user id: from then on the person's events must not get past the gate. */
  readonly trackingWithdrawals: ReadonlyMap<string, Withdrawal>;
}

export function checkEvents(scene: EventsScene): Verdict[] {
  const byId = Map.groupBy(scene.evidence.history, ({ messageId }) => messageId);
  return [checkOnce(scene, byId), checkTimes(scene, byId), checkPersons(scene, byId), checkGate(scene, byId)];
}

type ById = ReadonlyMap<string, readonly HistoryRow[]>;

function checkOnce({ accepted, evidence, trackingWithdrawals }: EventsScene, byId: ById): Verdict {
  const findings: Finding[] = [];
  const facts = new Map<string, number>();
  const sent = accepted.accepted();
  for (const event of sent) {
    const { message: { messageId }, fact, person } = event;
    const count = byId.get(messageId)?.length ?? 0;
    if (count > 1) findings.push(doubled(`event ${messageId} is in the history ${count} times`));
    if (fact !== null) facts.set(fact, (facts.get(fact) ?? 0) + count);
    // Whoever withdraws may see events dropped that were under way.
    else if (count === 0 && !trackingWithdrawals.has(person.userId)) findings.push(lost(`event ${messageId} (${describe(event)}) was accepted and is not in the history`));
  }
  for (const [fact, count] of facts) {
    if (count > 1) findings.push(doubled(`the order ${fact} counts ${count} times`));
    if (count === 0 && !isOfWithdrawn(sent, fact, trackingWithdrawals)) findings.push(lost(`the order ${fact} was accepted and does not count`));
  }
  const known = new Set(accepted.events.keys());
  const run = [...known][0]?.split('-')[0] ?? '';
  for (const { messageId } of evidence.history) if (messageId.startsWith(`${run}-`) && !known.has(messageId)) findings.push(wrong(`event ${messageId} was never sent`));
  return { invariants: '1', title: 'accepted events are in the history, each once', checked: sent.length, findings };
}

function isOfWithdrawn(sent: readonly SentEvent[], fact: string, withdrawals: ReadonlyMap<string, Withdrawal>): boolean {
  return sent.some((event) => event.fact === fact && withdrawals.has(event.person.userId));
}

/** The clamp: nothing happens later than it became known; and what has a time keeps it. */
function checkTimes({ accepted }: EventsScene, byId: ById): Verdict {
  const findings: Finding[] = [];
  let checked = 0;
  for (const [id, rows] of byId) {
    const event = accepted.events.get(id);
    const row = rows[0];
    if (event === undefined || row === undefined) continue;
    checked++;
    const { timestamp } = event.message;
    const expectedMs = typeof timestamp === 'string' ? Math.min(Date.parse(timestamp), row.appendedMs) : null;
    if (expectedMs !== null && row.timestampMs !== expectedMs) findings.push(wrong(`event ${id} is dated ${row.timestampMs} instead of ${expectedMs}`));
    if (row.timestampMs > row.appendedMs) findings.push(wrong(`event ${id} happened ${row.timestampMs - row.appendedMs} ms after it became known`));
  }
  return { invariants: '3', title: 'events have their own time, none is of the future', checked, findings };
}

function checkPersons({ accepted, evidence }: EventsScene, byId: ById): Verdict {
  const findings: Finding[] = [];
  let checked = 0;
  for (const [id, rows] of byId) {
    const message = accepted.events.get(id)?.message;
    const row = rows[0];
    if (message === undefined || row === undefined) continue;
    checked++;
    const name = message['userId'] === undefined ? `anonymousId:${String(message['anonymousId'])}` : `userId:${String(message['userId'])}`;
    const profileId = evidence.profiles.get(name);
    if (profileId !== row.profileId) findings.push(wrong(`event ${id} belongs to profile ${row.profileId}, but ${name} means ${profileId}`));
  }
  return { invariants: '10', title: 'events are with the person whom they name, after merges too', checked, findings };
}

function checkGate({ accepted, trackingWithdrawals }: EventsScene, byId: ById): Verdict {
  const findings: Finding[] = [];
  let checked = 0;
  for (const [id, { person, firstSentMs }] of accepted.events) {
    const withdrawal = trackingWithdrawals.get(person.userId);
    if (withdrawal === undefined || firstSentMs < withdrawal.answeredMs) continue;
    checked++;
    if (byId.has(id)) findings.push(wrong(`event ${id} was sent ${firstSentMs - withdrawal.answeredMs} ms after its person had withdrawn`));
  }
  return { invariants: '13', title: 'no event after a withdrawal of tracking gets past the gate', checked, findings };
}

function describe({ message, attempts, acceptedMs, firstSentMs }: SentEvent): string {
  return `${String(message['event'] ?? message.type)}, ${attempts} attempts, accepted ${(acceptedMs as number) - firstSentMs} ms after the first, ${new Date(firstSentMs).toISOString()}`;
}
