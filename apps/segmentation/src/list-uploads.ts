import type { InletWriter } from '@tributary/service/inlet-writer';
import { notFound, Problem } from '@tributary/service/problem';
import type { ListChanges } from './list-change.js';
import type { ListsStore } from './lists.postgres.js';
import type { MembersChange } from './read-members-change.js';
import type { SegmentsStore } from './segments.postgres.js';
import { refersTo } from './segment-definitions.js';

export interface ListUploadsOptions {
  readonly lists: ListsStore;
  readonly segments: SegmentsStore;
  readonly inlet: InletWriter;
  readonly changes: ListChanges;
  readonly clock: () => number;
}

/** Changes written to the log at a time. */
const WRITE_CHUNK = 1_000;
/** Unknown references that an answer names; it counts all. */
const UNKNOWN_SHOWN = 100;

/** Puts people on static lists and off them: through the log, so that rules see it in order and can replay it. */
export class ListUploads {
  constructor(private readonly options: ListUploadsOptions) {}

  /**
   * Resolves once the log has the changes; they count when the stage has come to them. References of nobody are told,
   * the others are taken.
   */
  async change(workspace: string, key: string, { add, remove, replace }: MembersChange): Promise<object> {
    const number = await this.#nextChange(workspace, key);
    const [adding, removing] = [await this.#resolve(workspace, add), await this.#resolve(workspace, remove)];
    for (const id of adding.ids) removing.ids.delete(id);
    if (replace) for await (const id of this.#members(workspace, key)) if (!adding.ids.has(id)) removing.ids.add(id);
    await this.#write(workspace, { list: key, member: false, number }, removing.ids);
    await this.#write(workspace, { list: key, member: true, number }, adding.ids);
    const unknown = [...adding.unknown, ...removing.unknown];
    return { key, added: adding.ids.size, removed: removing.ids.size, unknown: unknown.slice(0, UNKNOWN_SHOWN), unknownCount: unknown.length };
  }

  /** @throws Problem 409 while a segment uses it */
  async delete(workspace: string, key: string): Promise<void> {
    const number = await this.#nextChange(workspace, key);
    await this.options.segments.locked(workspace, async () => {
      const users = (await this.options.segments.list(workspace)).filter((segment) => refersTo(segment, 'list', key));
      if (users.length > 0) throw new Problem(409, 'in_use', `It is used by ${users.slice(0, 5).map((segment) => `segment "${segment.key}"`).join(', ')}. Change or delete that first.`);
      // A list that comes back under this key begins with nobody.
      await this.#write(workspace, { list: key, member: false, number }, this.#members(workspace, key));
      await this.options.lists.delete(workspace, key);
    });
  }

  async #nextChange(workspace: string, key: string): Promise<number> {
    const number = await this.options.lists.nextChange(workspace, key);
    if (number === null) throw notFound('list with this key');
    return number;
  }

  async #resolve(workspace: string, refs: readonly string[]): Promise<{ readonly ids: Set<string>; readonly unknown: string[] }> {
    const found = await this.options.lists.resolve(workspace, refs);
    return { ids: new Set(found.filter((id) => id !== null)), unknown: refs.filter((_, index) => found[index] === null) };
  }

  async *#members(workspace: string, key: string): AsyncGenerator<string> {
    for (let after: string | null = null; ; ) {
      const page: string[] = await this.options.lists.members(workspace, key, after, WRITE_CHUNK);
      yield* page;
      if (page.length < WRITE_CHUNK) return;
      after = page[page.length - 1] as string;
    }
  }

  async #write(workspace: string, change: { readonly list: string; readonly member: boolean; readonly number: number }, ids: Iterable<string> | AsyncIterable<string>): Promise<void> {
    const { inlet, changes, clock } = this.options;
    const atMs = clock();
    let chunk: string[] = [];
    const send = async (): Promise<void> => {
      await inlet.write(chunk.map((profileId) => changes.message(workspace, profileId, { ...change, atMs })));
      chunk = [];
    };
    for await (const id of ids) {
      chunk.push(id);
      if (chunk.length === WRITE_CHUNK) await send();
    }
    await send();
  }
}
