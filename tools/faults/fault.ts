import type { Site } from './site.ts';

/** What a fault works on. */
export interface Scene {
  readonly site: Site;
  /** Seeded: how long, how hard. */
  readonly random: () => number;
  /** Ids of what was put into topics by us and must be found parked; see poison.ts. */
  readonly poisoned: Poisoned[];
}

export interface Poisoned {
  readonly stage: string;
  /** Text that the parked record carries. */
  readonly mark: string;
}

/** One kind of harm. */
export interface Fault {
  readonly name: string;
  /** Processes or servers that it can be aimed at. */
  targets(site: Pick<Site, 'processes'>): readonly string[];
  /**
   * Does harm, and takes it back: resolves when what it was aimed at is ready again; for the others the run waits, because
   * another fault may hold them. Answers what was done in a few words, or
   * `null` when it could not be done here (said in the report).
   */
  inject(scene: Scene, target: string): Promise<string | null>;
}

export const everyProcess = ({ processes }: Pick<Site, 'processes'>): string[] => processes.map(({ name }) => name);
export const secondsBetween = (random: () => number, least: number, most: number): number => Math.round((least + random() * (most - least)) * 1_000);
