import type { EngagementCounts } from '@tributary/domain/scoring/score-model';
import { countAt, isApproximate, scoreCurve, type ScoreStep } from '@tributary/domain/scoring/engagement';
import { decodeCursor, encodeCursor } from '@tributary/service/page';
import { notFound, Problem } from '@tributary/service/problem';
import type { ProfileDirectory } from '@tributary/service/profile-directory';
import type { ServicePool } from '@tributary/service/service-pool';
import { type EventPosition, ProfileReaderPostgres } from './profile-reader.postgres.js';
import { type KeptProfile, ProfileStorePostgres } from './profile-store.postgres.js';
import type { ScoreModels } from './score-models.js';
import { instant, type ProfileResource, showEvent, showProfile } from './show-profile.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Where a search without a type looks. */
const SEARCHED_TYPES = ['userId', 'email', 'anonymousId', 'phone', 'deviceId'];
const STEPS_MAX = 1_000;

export interface Curve {
  readonly steps: readonly ScoreStep[];
  readonly awaiting: readonly string[];
  readonly approximate: boolean;
}

/** What a score is made of, as of the newest state. */
export interface ScoreExplanation extends EngagementCounts {
  readonly score: number;
  readonly asOf: string;
  /** When it changes by time alone; null: never. */
  readonly changesAt: string | null;
  readonly awaiting: readonly string[];
  readonly approximate: boolean;
}

/** Questions about profiles, for the HTTP and the gRPC door alike. */
export class Profiles {
  readonly #reader: ProfileReaderPostgres;
  readonly #store: ProfileStorePostgres;

  constructor(pool: ServicePool, private readonly directory: ProfileDirectory, private readonly models: ScoreModels) {
    this.#reader = new ProfileReaderPostgres(pool.pool);
    this.#store = new ProfileStorePostgres(pool.pool);
  }

  /** @throws Problem 404, 400 */
  async get(workspace: string, ref: string): Promise<ProfileResource> {
    const id = await this.directory.resolve(workspace, ref);
    const row = (await this.#reader.find(workspace, [id])).get(id);
    if (row === undefined) throw notFound('profile with this id or identifier');
    return showProfile(row);
  }

  /** In the order of the references, null where unknown. @throws Problem 400 */
  async getMany(workspace: string, refs: readonly string[]): Promise<readonly (ProfileResource | null)[]> {
    const ids = await this.#reader.resolve(workspace, refs);
    const rows = await this.#reader.find(workspace, [...new Set(ids.filter((id) => id !== null))]);
    return ids.map((id) => {
      const row = id === null ? undefined : rows.get(id);
      return row === undefined ? null : showProfile(row);
    });
  }

  /** @throws Problem 400 */
  async list(workspace: string, limit: number, cursor: string | undefined): Promise<{ profiles: readonly ProfileResource[]; cursor: string | null }> {
    const after = decodeCursor(cursor, ['string'])?.[0] as string | undefined;
    if (after !== undefined && !UUID.test(after)) throw malformedCursor();
    const rows = await this.#reader.list(workspace, after ?? null, limit + 1);
    const last = rows[limit - 1];
    return { profiles: rows.slice(0, limit).map(showProfile), cursor: rows.length > limit && last !== undefined ? encodeCursor([last.profile_id]) : null };
  }

  /** The profiles that a reference or the bare value of an identifier names. */
  async search(workspace: string, text: string): Promise<readonly ProfileResource[]> {
    if (text.includes('\0')) return [];
    const isRef = UUID.test(text) || /^[^:]+:./.test(text);
    const found = [...(isRef ? await this.#reader.resolve(workspace, [text]) : []), ...(await this.#reader.search(workspace, SEARCHED_TYPES, text))];
    const ids = [...new Set(found.filter((id) => id !== null))];
    return [...(await this.#reader.find(workspace, ids)).values()].map(showProfile);
  }

  /** Newest first. @throws Problem 404, 400 */
  async events(workspace: string, ref: string, page: { limit: number; cursor: string | undefined }): Promise<{ events: readonly object[]; cursor: string | null }> {
    const { id } = await this.get(workspace, ref);
    const rows = await this.#reader.events(workspace, id, positionOf(page.cursor), page.limit + 1);
    const last = rows[page.limit - 1];
    return {
      events: rows.slice(0, page.limit).map(showEvent),
      cursor: rows.length > page.limit && last !== undefined ? encodeCursor([last.ts_ms, last.message_id]) : null,
    };
  }

  /** @throws Problem 404 for an unknown profile or score */
  async curve(workspace: string, ref: string, score: string): Promise<Curve> {
    const state = await this.#state(workspace, ref, score);
    const { engagement, awaiting } = state;
    const fromMs = engagement === null ? state.updatedMs : state.scoredMs;
    const now = [{ fromMs, score: state.scores.engagement }];
    if (engagement === null || awaiting.size > 0) return { steps: now, awaiting: [...awaiting], approximate: false };
    const model = this.models.engagementOf(workspace);
    return { steps: scoreCurve(engagement, fromMs, model, STEPS_MAX), awaiting: [], approximate: isApproximate(engagement, fromMs, model) };
  }

  /** @throws Problem 404 for an unknown profile or score */
  async explain(workspace: string, ref: string, score: string): Promise<ScoreExplanation> {
    const state = await this.#state(workspace, ref, score);
    const { engagement, dueMs } = state;
    const model = this.models.engagementOf(workspace);
    const asOfMs = engagement === null ? state.updatedMs : state.scoredMs;
    return {
      score: state.scores.engagement / 1_000_000,
      ...(engagement === null ? { delivered: 0, opened: 0, clicked: 0, sessions: 0 } : countAt(engagement, asOfMs, model)),
      asOf: instant(asOfMs),
      changesAt: dueMs === null ? null : instant(dueMs),
      awaiting: [...state.awaiting],
      approximate: engagement !== null && isApproximate(engagement, asOfMs, model),
    };
  }

  async #state(workspace: string, ref: string, score: string): Promise<KeptProfile> {
    if (score !== 'engagement') throw notFound('score model with this key');
    const id = await this.directory.resolve(workspace, ref);
    const state = (await this.#store.load([{ workspace, profileId: id }])).get(id);
    if (state === undefined || state.survivor !== null) throw notFound('profile with this id or identifier');
    return state;
  }
}

function positionOf(cursor: string | undefined): EventPosition | null {
  const key = decodeCursor(cursor, ['number', 'string']);
  if (key === null) return null;
  const [timeMs, messageId] = key as [number, string];
  if (!Number.isSafeInteger(timeMs) || messageId.includes('\0')) throw malformedCursor();
  return { timeMs, messageId };
}

function malformedCursor(): Problem {
  return new Problem(400, 'malformed_cursor', 'Send the cursor as the answer before gave it, or leave it out to start anew.');
}
