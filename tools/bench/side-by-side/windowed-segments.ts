// The ten segments that everybody in the comparison keeps; the Java application reads the same file.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspace } from '../../preflight.mjs';

export interface WindowedSegment {
  readonly key: string;
  readonly name: string;
  readonly rule: { readonly performed: string; readonly within: string; readonly count: { readonly op: 'gte'; readonly value: number } };
}

export const segmentsFile = join(workspace, 'bench', 'windowed-segments.json');

export function readSegments(): WindowedSegment[] {
  return JSON.parse(readFileSync(segmentsFile, 'utf8')) as WindowedSegment[];
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Epoch arithmetic: days of 24 hours. */
export function windowMsOf({ rule: { within } }: WindowedSegment): number {
  return Number(within.slice(0, -1)) * (UNIT_MS[within.slice(-1)] as number);
}
