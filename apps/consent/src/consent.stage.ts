import { Controller } from '@nestjs/common';
import type { Entry } from '@tributary/contracts/entry';
import { consentsChanged } from '@tributary/contracts/topics/consents-changed';
import { eventsConsented } from '@tributary/contracts/topics/events-consented';
import { eventsReceived } from '@tributary/contracts/topics/events-received';
import { type LedgerConsent, type Passage, passGate } from '@tributary/domain/consent/pass-gate';
import { type KnownConsents, Standings } from '@tributary/domain/consent/standings';
import type { Write } from '@tributary/postgres/write';
import type { Decision, Ending, EntryStage, OutRecord } from '@tributary/stream/stage';
import { HostStage } from '@tributary/stream/stage-transport';
import { ConsentLedger, insertEntries, insertMerges, type NewEntry, type NewMerge, type ProfileKey } from './consent-ledger.postgres.js';

/** The gate in front of everything: what the person has not agreed to goes no further. */
@Controller()
export class ConsentStageHost {
  constructor(private readonly ledger: ConsentLedger) {}

  @HostStage()
  stage(): EntryStage {
    return new ConsentStage(this.ledger);
  }
}

/**
 * Asks the database once a batch what stands for its people, so that a withdrawal counts for every batch that begins after
 * it was committed; inside the batch, decisions and merges count for the entries after them. Repeating a batch repeats
 * its records and changes nothing in the ledger.
 */
export class ConsentStage implements EntryStage {
  readonly kind = 'entries';
  readonly name = 'consent';
  readonly reads = eventsReceived;
  readonly writes = eventsConsented;

  constructor(private readonly ledger: { load(keys: readonly ProfileKey[]): Promise<KnownConsents> }) {}

  async decide(entries: readonly Entry[]): Promise<Decision> {
    const standings = new Standings(await this.ledger.load(profilesOf(entries)));
    const ledgerEntries: NewEntry[] = [];
    const merges: NewMerge[] = [];
    const records: OutRecord[] = [];
    const endings = entries.map((entry): Ending => {
      const passage = passGate(entry, standings);
      if (passage.passage === 'merge') merges.push({ ...passage, workspace: entry.workspace });
      if (passage.passage === 'allowed' && passage.consent !== undefined) {
        const { workspace, profileId, messageId } = entry;
        ledgerEntries.push({ ...passage.consent, workspace, profileId, messageId });
        records.push(changeRecord(entry, passage.consent));
      }
      return endingOf(entry, passage);
    });
    return { endings, writes: writesOf(ledgerEntries, merges), records };
  }
}

function endingOf(entry: Entry, passage: Passage): Ending {
  switch (passage.passage) {
    case 'allowed':
      return { ending: 'forward', entries: [{ ...entry, purposes: passage.purposes }] };
    case 'merge':
    case 'untouched':
      return { ending: 'forward', entries: [entry] };
    case 'refused':
      return { ending: 'drop', reason: passage.reason };
    case 'unreadable':
      return { ending: 'park', reason: passage.reason };
  }
}

/** Each profile once, and with a merge the other one. */
function profilesOf(entries: readonly Entry[]): ProfileKey[] {
  const keys = new Map<string, ProfileKey>();
  for (const { kind, workspace, profileId, other } of entries) {
    if (kind !== 'event' && kind !== 'merged' && kind !== 'merging') continue;
    keys.set(`${profileId}/${workspace}`, { workspace, profileId });
    if (kind !== 'event' && other !== undefined) keys.set(`${other}/${workspace}`, { workspace, profileId: other });
  }
  return [...keys.values()];
}

function writesOf(entries: readonly NewEntry[], merges: readonly NewMerge[]): Write[] {
  return [...(entries.length > 0 ? [insertEntries(entries)] : []), ...(merges.length > 0 ? [insertMerges(merges)] : [])];
}

function changeRecord({ workspace, profileId, appendedAtMs, traceparent }: Entry, consent: LedgerConsent): OutRecord {
  return {
    topic: consentsChanged.name,
    key: Buffer.from(profileId),
    value: Buffer.from(
      JSON.stringify({
        workspace,
        profileId,
        receipt: consent.receipt,
        purpose: consent.purpose,
        decision: consent.decision,
        occurredAt: new Date(consent.occurredAtMs).toISOString(),
        knownAt: new Date(appendedAtMs).toISOString(),
        source: consent.source,
        textVersion: consent.textVersion,
      }),
    ),
    headers: { 'schema-version': '1', workspace, ...(traceparent === undefined ? {} : { traceparent }) },
  };
}
