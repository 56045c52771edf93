import type { ChangeCause, ChangeReason } from '@tributary/contracts/change';
import type { Json } from '@tributary/contracts/rule';
import { ApiProblem, part, request } from './client.js';

export interface Profile {
  readonly id: string;
  readonly identifiers: readonly { readonly type: string; readonly value: string }[];
  readonly traits: { readonly [name: string]: Json };
  readonly computed: { readonly [name: string]: Json };
  readonly scores: { readonly [name: string]: number };
  readonly cluster: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface ProfileEvent {
  readonly messageId: string;
  readonly type: string;
  /** Of a track event its name, of other kinds empty. */
  readonly name: string;
  readonly timestamp: string;
  /** As it was sent and cleansed. */
  readonly body: { readonly [field: string]: unknown };
}

/** What the engagement score is made of. */
export interface ScoreParts {
  readonly score: number;
  readonly delivered: number;
  readonly opened: number;
  readonly clicked: number;
  readonly sessions: number;
  /** When it changes by time alone; null: never. */
  readonly changesAt: string | null;
}

export interface ProfileSegment {
  readonly key: string;
  readonly since: string;
}

export function getProfile(ref: string, signal: AbortSignal): Promise<Profile> {
  return request(`/scoring/v1/profiles/${part(ref)}`, { signal });
}

/** By a profile id, `<type>:<value>`, or the exact value of a common identifier. */
export async function searchProfiles(text: string, signal: AbortSignal): Promise<readonly Profile[]> {
  const { profiles } = await request<{ profiles: Profile[] }>(`/scoring/v1/profiles?q=${part(text)}&limit=5`, { signal });
  return profiles;
}

export function getScoreParts(ref: string, score: string, signal: AbortSignal): Promise<ScoreParts> {
  return request(`/scoring/v1/profiles/${part(ref)}/scores/${part(score)}`, { signal });
}

/** Newest first. */
export async function listProfileEvents(ref: string, cursor: string | null, signal: AbortSignal): Promise<{ events: ProfileEvent[]; cursor: string | null }> {
  const from = cursor === null ? '' : `&cursor=${part(cursor)}`;
  const page = await request<{ events: EventAnswer[]; cursor: string | null }>(`/scoring/v1/profiles/${part(ref)}/events?limit=50${from}`, { signal });
  return { events: page.events.map(toEvent), cursor: page.cursor };
}

type EventAnswer = { readonly messageId: string; readonly type: string; readonly timestamp: string; readonly event?: unknown };

function toEvent(body: EventAnswer): ProfileEvent {
  return { messageId: body.messageId, type: body.type, name: typeof body.event === 'string' ? body.event : '', timestamp: body.timestamp, body: { ...body } };
}

export function listProfileSegments(ref: string, signal: AbortSignal): Promise<{ segments: ProfileSegment[]; asOf: string }> {
  return request(`/segmentation/v1/profiles/${part(ref)}/segments`, { signal });
}

export interface ProfileChange {
  readonly segment: string;
  readonly change: 'entered' | 'left';
  readonly effectiveAt: string;
  readonly processedAt?: string;
  readonly cause: ChangeCause;
  readonly sequence: number;
  readonly reason?: ChangeReason;
}

export interface ProfileChanges {
  /** Newest first. */
  readonly changes: readonly ProfileChange[];
  /** False where segmentation does not list the changes of one person. */
  readonly isComplete: boolean;
}

export async function listProfileChanges(ref: string, signal: AbortSignal): Promise<ProfileChanges> {
  try {
    const { changes } = await request<{ changes: ProfileChange[] }>(`/segmentation/v1/profiles/${part(ref)}/changes?limit=100`, { signal });
    return { changes, isComplete: true };
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) return { changes: [], isComplete: false };
    throw error;
  }
}
