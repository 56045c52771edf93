import { compileEngine, type Engine } from '@tributary/domain/segmentation/engine';
import { planRebuild, type RebuildPlan } from '@tributary/domain/segmentation/rebuild-state';
import { compilePattern } from './compile-pattern.js';
import { type Definitions, type DefinitionsStore, noDefinitions, type SwitchRow } from './definitions.postgres.js';

/** Engines of definitions versions that no partition follows any more are dropped when more than this are kept. */
const ENGINES_MAX = 64;

/** A switch under way: profiles up to the cursor follow `next`, the others `old`. */
export interface Switch {
  readonly row: SwitchRow;
  readonly old: Engine;
  readonly next: Engine;
  readonly oldDefinitions: Definitions;
  readonly nextDefinitions: Definitions;
  readonly plan: RebuildPlan;
}

/** Which engine a profile follows: one for each workspace and partition, two while definitions change. */
export class EngineDirectory {
  readonly #compiled = new Map<string, { definitions: Definitions; engine: Engine }>();
  /** By workspace and partition. */
  #standing = new Map<string, { row: SwitchRow; engine: Engine; definitions: Definitions; switching: Switch | null }>();

  constructor(private readonly store: DefinitionsStore) {}

  /** Forgets all and reads where these partitions stand. */
  async assign(partitions: readonly number[]): Promise<void> {
    this.#standing = new Map();
    for (const row of await this.store.switches(partitions)) await this.adopt(row);
  }

  /** A row as it is committed, or will be with this batch. */
  async adopt(row: SwitchRow): Promise<void> {
    const { definitions, engine } = await this.#engineAt(row.workspace, row.version);
    let switching: Switch | null = null;
    if (row.nextVersion !== null) {
      const next = await this.#engineAt(row.workspace, row.nextVersion);
      const before = this.#standing.get(placeOf(row.workspace, row.partition))?.switching;
      const plan = before?.row.nextVersion === row.nextVersion ? before.plan : planRebuild(engine, next.engine);
      switching = { row, old: engine, next: next.engine, oldDefinitions: definitions, nextDefinitions: next.definitions, plan };
    }
    this.#standing.set(placeOf(row.workspace, row.partition), { row, engine, definitions, switching });
  }

  standing(workspace: string, partition: number): SwitchRow {
    return this.#standing.get(placeOf(workspace, partition))?.row ?? { workspace, partition, version: 0, nextVersion: null, cursor: null, doneProfiles: 0 };
  }

  switching(workspace: string, partition: number): Switch | null {
    return this.#standing.get(placeOf(workspace, partition))?.switching ?? null;
  }

  isSwitching(): boolean {
    for (const { switching } of this.#standing.values()) if (switching !== null) return true;
    return false;
  }

  /** The engine that a profile follows now. */
  engineFor(workspace: string, partition: number, profileId: string): Engine {
    const standing = this.#standing.get(placeOf(workspace, partition));
    if (standing === undefined) return this.#nothingDefined(workspace);
    const { switching, engine } = standing;
    return switching !== null && switching.row.cursor !== null && profileId <= switching.row.cursor ? switching.next : engine;
  }

  /** The version of a segment's definition that an engine was compiled from. */
  versionOf(engine: Engine, segment: string): number {
    return this.segmentsOf(engine).find(({ key }) => key === segment)?.version ?? 0;
  }

  /** The definitions that an engine was compiled from. */
  segmentsOf(engine: Engine): Definitions['segments'] {
    for (const { definitions, engine: compiled } of this.#compiled.values()) if (compiled === engine) return definitions.segments;
    return [];
  }

  #nothingDefined(workspace: string): Engine {
    const key = `${workspace}@0`;
    let kept = this.#compiled.get(key);
    if (kept === undefined) {
      kept = compile(noDefinitions(workspace));
      this.#compiled.set(key, kept);
    }
    return kept.engine;
  }

  async #engineAt(workspace: string, version: number): Promise<{ definitions: Definitions; engine: Engine }> {
    const key = `${workspace}@${version}`;
    const kept = this.#compiled.get(key);
    if (kept !== undefined) return kept;
    const compiled = compile(await this.store.load(workspace, version));
    if (this.#compiled.size >= ENGINES_MAX) this.#dropUnused();
    this.#compiled.set(key, compiled);
    return compiled;
  }

  #dropUnused(): void {
    const used = new Set([...this.#standing.values()].flatMap(({ engine, switching }) => [engine, switching?.next]));
    for (const [key, { engine }] of this.#compiled) if (!used.has(engine)) this.#compiled.delete(key);
  }
}

function compile(definitions: Definitions): { definitions: Definitions; engine: Engine } {
  const { segments, timezone, purposes } = definitions;
  return { definitions, engine: compileEngine({ segments, timezone, purposes, compilePattern }) };
}

function placeOf(workspace: string, partition: number): string {
  return `${workspace}/${partition}`;
}
