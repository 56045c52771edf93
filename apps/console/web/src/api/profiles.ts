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
  readonly name: string;
  readonly timestamp: string;
  readonly [field: string]: unknown;
}

export interface ProfileSegment {
  readonly key: string;
  readonly since: string;
}

export function getProfile(ref: string, signal: AbortSignal): Promise<Profile> {
  return request(`/scoring/v1/profiles/${part(ref)}`, { signal });
}

export function listProfileEvents(ref: string, cursor: string | null, signal: AbortSignal): Promise<{ events: ProfileEvent[]; cursor: string | null }> {
  const from = cursor === null ? '' : `&cursor=${part(cursor)}`;
  return request(`/scoring/v1/profiles/${part(ref)}/events?limit=50${from}`, { signal });
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

/** Newest first. Null where this installation's segmentation does not list the changes of one person. */
export async function listProfileChanges(ref: string, signal: AbortSignal): Promise<readonly ProfileChange[] | null> {
  try {
    const { changes } = await request<{ changes: ProfileChange[] }>(`/segmentation/v1/profiles/${part(ref)}/changes?limit=100`, { signal });
    return changes;
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) return null;
    throw error;
  }
}
