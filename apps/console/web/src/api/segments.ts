import type { Json, RuleNode } from '@tributary/contracts/rule';
import { part, request } from './client.js';

export interface Segment {
  readonly key: string;
  readonly name: string;
  readonly description?: string | null;
  readonly rule: RuleNode;
  readonly stay?: RuleNode | null;
  readonly status: 'backfilling' | 'live' | 'paused';
  readonly count: number;
  readonly version: number;
  readonly asOf: string;
  readonly lagMs: number;
  readonly warnings?: readonly (string | { readonly detail: string })[];
}

export interface Member {
  readonly profileId: string;
  readonly since: string;
}

/** One node of the answer to "why". */
export interface Why {
  /** The kind of node; from some answers the node itself. */
  readonly node: string | Json;
  /** JSON Pointer into the definition. */
  readonly path: string;
  readonly holds: boolean;
  readonly actual: Json;
  readonly events: readonly { readonly messageId?: string; readonly name: string; readonly timestamp: string }[];
  readonly children: readonly Why[];
  readonly rule?: Json;
  readonly approximate?: boolean;
}

export interface Membership {
  readonly member: boolean;
  readonly since: string | null;
  readonly asOf: string;
  /** When time alone changes it, or null. */
  readonly flipsAt: string | null;
  readonly why: Why;
}

export const SEGMENTS_MAX = 1_000;

export async function listSegments(signal: AbortSignal): Promise<readonly Segment[]> {
  const { segments } = await request<{ segments: Segment[] }>(`/segmentation/v1/segments?limit=${SEGMENTS_MAX}`, { signal });
  return segments;
}

export function getSegment(key: string, signal: AbortSignal): Promise<Segment> {
  return request(`/segmentation/v1/segments/${part(key)}`, { signal });
}

export function listMembers(key: string, cursor: string | null, signal: AbortSignal): Promise<{ members: Member[]; cursor: string | null; asOf: string }> {
  const from = cursor === null ? '' : `&cursor=${part(cursor)}`;
  return request(`/segmentation/v1/segments/${part(key)}/members?limit=50${from}`, { signal });
}

/** How many entered and left since an instant; `isMore` where there were more than one answer holds. */
export interface Movement {
  readonly entered: number;
  readonly left: number;
  readonly isMore: boolean;
}

export async function countMovement(key: string, sinceMs: number, signal: AbortSignal): Promise<Movement> {
  const since = part(new Date(sinceMs).toISOString());
  const { changes, cursor } = await request<{ changes: { change: string }[]; cursor: string | null }>(`/segmentation/v1/segments/${part(key)}/changes?since=${since}&limit=1000`, { signal });
  const entered = changes.filter(({ change }) => change === 'entered').length;
  return { entered, left: changes.length - entered, isMore: cursor !== null };
}

export function getMembership(key: string, ref: string, signal: AbortSignal): Promise<Membership> {
  return request(`/segmentation/v1/segments/${part(key)}/members/${part(ref)}`, { signal });
}
