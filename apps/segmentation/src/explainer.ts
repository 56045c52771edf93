import { partitionOf } from '@tributary/contracts/shard';
import type { Engine, Why } from '@tributary/domain/segmentation/engine';
import { hashText } from '@tributary/domain/segmentation/hash-text';
import type { Pool } from '@tributary/postgres/pool';
import { notFound } from '@tributary/service/problem';
import type { DefinitionsStore } from './definitions.postgres.js';
import { EngineDirectory } from './engine-directory.js';
import { findNextFlip } from './find-next-flip.js';
import type { History } from './history.postgres.js';
import type { MembersStore } from './members.postgres.js';
import type { ProfileRecords, StoredProfile } from './profile-records.postgres.js';
import { foreseeScore } from './replay-scores.js';
import { dependsOnScore } from './score-leaves.js';
import { toIso } from './show-segment.js';
import { restoreState } from './state-journal.js';

export interface ExplainerOptions {
  readonly pool: Pool;
  readonly partitions: number;
  readonly store: DefinitionsStore;
  readonly records: ProfileRecords;
  readonly members: MembersStore;
  readonly history: History;
}

/** Says why a person is in or out of a segment: node by node, with actual values and the events that count. */
export class Explainer {
  readonly #engines: EngineDirectory;

  constructor(private readonly options: ExplainerOptions) {
    this.#engines = new EngineDirectory(options.store);
  }

  /** @throws Problem 404 for a profile that no event has reached yet */
  async explain(workspace: string, segment: string, profileId: string): Promise<object> {
    const { records, members, partitions } = this.options;
    const { asOfMs } = await members.standing();
    await this.#engines.assign(Array.from({ length: partitions }, (_, partition) => partition));
    const [stored] = await records.load([{ workspace, profileId }]);
    if (stored === undefined) throw notFound('profile with this id or identifier that an event has reached');
    const engine = this.#engines.engineFor(workspace, partitionOf(profileId, partitions), profileId);
    const atMs = Math.max(asOfMs ?? 0, stored.appliedMs);
    const rules = restoreState(engine, stored);
    const answer = engine.explain(rules, segment, atMs);
    if (answer === undefined) return { member: false, since: null, asOf: toIso(atMs), flipsAt: null, why: null };
    const sinceMs = answer.member ? (engine.members(rules).get(segment) ?? answer.sinceMs) : null;
    const flipsAtMs = await this.#flipsAtMs(engine, { segment, stored, atMs, constant: answer.flipsAtMs });
    const names = await this.#messageIds(workspace, profileId, answer.why);
    return { member: answer.member, since: toIso(sinceMs), asOf: toIso(atMs), flipsAt: toIso(flipsAtMs), why: showWhy(answer.why, names) };
  }

  /** The engine takes scores as they are told; what they will be by time alone is known here. */
  async #flipsAtMs(engine: Engine, of: { readonly segment: string; readonly stored: StoredProfile; readonly atMs: number; readonly constant: number | null }): Promise<number | null> {
    const { segment, stored, atMs } = of;
    if (!dependsOnScore(this.#engines.segmentsOf(engine), segment)) return of.constant;
    const steps = foreseeScore(await this.options.history.scored(stored.workspace, stored.profileId), atMs);
    return findNextFlip(engine, restoreState(engine, stored), { segment, atMs, steps });
  }

  /** Where the engine keeps hashes of message ids, history has the ids. What it counts by value, it knows by name and time. */
  async #messageIds(workspace: string, profileId: string, why: Why): Promise<Map<string, string>> {
    const events = eventsOf(why).filter(({ messageId }) => messageId === undefined);
    if (events.length === 0) return new Map();
    const { rows } = await this.options.pool.query<{ messageId: string; name: string; timestampMs: number }>(
      `select message_id as "messageId", name, ts_ms as "timestampMs" from scoring.history where workspace = $1 and profile_id = $2 and ts_ms = any($3::bigint[])`,
      [workspace, profileId, [...new Set(events.map(({ timestampMs }) => timestampMs))]],
    );
    return new Map(rows.flatMap(({ messageId, name, timestampMs }) => [[`${name}/${timestampMs}/${hashText(messageId)}`, messageId], [`${name}/${timestampMs}/undefined`, messageId]]));
  }
}

function eventsOf(why: Why): Why['events'] {
  return [...why.events, ...why.children.flatMap(eventsOf)];
}

function showWhy(why: Why, messageIds: ReadonlyMap<string, string>): object {
  const { events, children, ...node } = why;
  return {
    ...node,
    events: events.map(({ name, timestampMs, idHash, messageId }) => ({ name, timestamp: toIso(timestampMs), messageId: messageId ?? messageIds.get(`${name}/${timestampMs}/${idHash}`) ?? null })),
    children: children.map((child) => showWhy(child, messageIds)),
  };
}
