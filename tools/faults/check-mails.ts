// One mail for one occasion, none to whom has said no, and every decision told.
import type { Evidence } from './evidence.ts';
import { doubled, type Finding, lost, type Verdict, wrong } from './finding.ts';
import type { ReceivedMail } from './mail-watch.ts';
import { MAILS, type Person } from './scene.ts';
import type { Withdrawal } from './story.ts';

export interface MailsScene {
  readonly evidence: Evidence;
  readonly mails: readonly ReceivedMail[];
  readonly people: readonly Person[];
  /** By user id. */
  readonly mailWithdrawals: ReadonlyMap<string, Withdrawal>;
}

/** A mail whose hand-over had begun when the withdrawal was committed may still arrive. */
const ON_THE_WIRE_MS = 1_000;
/** Outcomes that mean a mail may be in the mailbox although nobody knows. */
const MAY_HAVE_LEFT = new Set(['sent', 'outcome_unknown']);

export function checkMails(scene: MailsScene): Verdict[] {
  return [checkOnce(scene), checkOccasions(scene), checkDecisions(scene), checkConsent(scene)];
}

function checkOnce({ mails, evidence }: MailsScene): Verdict {
  const findings: Finding[] = [];
  const sends = new Map(evidence.sends.map((send) => [send.id, send]));
  const bySend = Map.groupBy(mails, ({ sendId }) => sendId);
  for (const [sendId, same] of bySend) {
    if (same.length > 1) findings.push(doubled(`the mail of send ${sendId} went out ${same.length} times`));
    const send = sends.get(sendId);
    if (send === undefined) findings.push(wrong(`a mail to ${same[0]?.to} belongs to no send`));
    else if (!MAY_HAVE_LEFT.has(send.reason ?? '')) findings.push(wrong(`the mail of send ${sendId} went out, but its outcome is ${send.reason ?? send.state}`));
  }
  for (const { id, reason } of evidence.sends) if (reason === 'sent' && !bySend.has(id)) findings.push(lost(`send ${id} counts as sent and no mail arrived`));
  const once = MAILS.filter((mail) => mail.once).map(({ key }) => key as string);
  const personal = Map.groupBy(mails.filter(({ sendId }) => once.includes(sends.get(sendId)?.automation ?? '')), ({ to }) => to);
  for (const [to, same] of personal) if (same.length > 1) findings.push(doubled(`${to} got ${same.length} mails of an automation that writes once`));
  return { invariants: '9', title: 'no mail goes out twice, none is claimed to have gone that did not', checked: mails.length, findings };
}

/** A claim for each entry, at most one, and none for anything else. */
function checkOccasions({ evidence }: MailsScene): Verdict {
  const findings: Finding[] = [];
  const segments = new Map<string, string>(MAILS.map(({ key, segment }) => [key, segment]));
  const bySequence = new Map(evidence.changes.map((change) => [`${change.profileId}/${change.sequence}`, change]));
  const claimed = new Map<string, number>();
  for (const { automation, profileId, sequence } of evidence.sends) {
    const change = bySequence.get(`${profileId}/${sequence}`);
    if (change?.segment !== segments.get(automation) || change?.change !== 'entered') findings.push(wrong(`a send of ${automation} was claimed for ${profileId}/${sequence}, which is no such entry`));
    const place = `${automation} ${profileId}/${sequence}`;
    claimed.set(place, (claimed.get(place) ?? 0) + 1);
  }
  for (const [place, count] of claimed) if (count > 1) findings.push(doubled(`${place} was claimed ${count} times`));
  for (const { segment, change, profileId, sequence } of evidence.changes) {
    for (const [automation, of] of segments) {
      if (of === segment && change === 'entered' && !claimed.has(`${automation} ${profileId}/${sequence}`)) findings.push(lost(`${profileId} entered ${segment} (sequence ${sequence}) and ${automation} claimed nothing`));
    }
  }
  return { invariants: '9', title: 'every entry that an automation waits for is claimed once', checked: evidence.sends.length, findings };
}

function checkDecisions({ evidence }: MailsScene): Verdict {
  const findings: Finding[] = [];
  const told = Map.groupBy(evidence.decisions, ({ id }) => id);
  for (const [id, same] of told) if (new Set(same.map(({ reason }) => reason)).size > 1) findings.push(wrong(`send ${id} was told with several outcomes`));
  for (const { id, state, reason } of evidence.sends) {
    if (state !== 'decided') findings.push(lost(`send ${id} was left ${state}`));
    else if (!told.has(id)) findings.push(lost(`the decision about send ${id} was not published`));
    else if (told.get(id)?.[0]?.reason !== reason) findings.push(wrong(`send ${id} is ${reason} and was told as ${told.get(id)?.[0]?.reason}`));
  }
  return { invariants: '9', title: 'every send is decided, and its decision told', checked: evidence.sends.length, findings };
}

function checkConsent({ mails, people, mailWithdrawals }: MailsScene): Verdict {
  const findings: Finding[] = [];
  const withdrawn = new Map(people.flatMap(({ email, userId }) => {
    const withdrawal = mailWithdrawals.get(userId);
    return withdrawal === undefined ? [] : [[email, withdrawal] as const];
  }));
  for (const { to, receivedMs } of mails) {
    const withdrawal = withdrawn.get(to);
    if (withdrawal !== undefined && receivedMs > withdrawal.answeredMs + ON_THE_WIRE_MS) findings.push(wrong(`${to} got a mail ${receivedMs - withdrawal.answeredMs} ms after the withdrawal was committed`));
  }
  return { invariants: '13', title: 'no mail after a withdrawal that was committed earlier', checked: withdrawn.size, findings };
}
