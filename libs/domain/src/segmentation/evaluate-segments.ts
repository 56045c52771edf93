import type { CompiledRules, SegmentPlan } from './compiled-rules.js';
import { actualOf } from './describe-leaf.js';
import type { Flip, FlippedNode } from './engine.js';
import type { Leaf } from './leaf.js';
import type { ProfileState } from './profile-state.js';
import { keyOf, type Source, ValueSource } from './source.js';
import { evaluate } from './view-segments.js';

/** What changed the answers, as the flips will say it. */
export interface FlipCause {
  readonly by: Flip['by'];
  readonly event?: Flip['event'];
}

/**
 * Evaluates the segments whose leaves flipped, and those that name them, in dependency order, each once. One evaluator
 * serves one engine; its arrays are scratch space, so its calls must not overlap.
 */
export class SegmentEvaluator {
  private round = 0;
  /** Round in which the leaf's answer was found, and the answer. */
  private readonly askedIn: Uint32Array;
  private readonly answer: Uint8Array;
  /** Round in which the leaf flipped. */
  private readonly flippedIn: Uint32Array;
  private readonly queuedIn: Uint32Array;
  /** By place of an index by value: round in which its present part was found, and the part. */
  private readonly foundIn: Uint32Array;
  private readonly found: (ReadonlyMap<number, readonly number[]> | undefined)[] = [];
  private readonly queue: number[] = [];
  private state!: ProfileState;
  private t = 0;
  private readonly leafHolds: (leaf: number) => boolean;

  constructor(private readonly rules: CompiledRules) {
    this.askedIn = new Uint32Array(rules.leaves.length);
    this.answer = new Uint8Array(rules.leaves.length);
    this.flippedIn = new Uint32Array(rules.leaves.length);
    this.queuedIn = new Uint32Array(rules.segments.length);
    this.foundIn = new Uint32Array(rules.visits.byValue.length);
    this.leafHolds = (leaf) => {
      if (this.askedIn[leaf] === this.round) return this.answer[leaf] === 1;
      const holds = rules.leaves[leaf]!.holds(this.state, this.t);
      this.askedIn[leaf] = this.round;
      this.answer[leaf] = holds ? 1 : 0;
      return holds;
    };
  }

  /**
   * Brings the memberships up to date with the leaves that `flipped` by a change of `sources` (and asks `also`, by index).
   * With `newborn` nobody was inside before, whatever the state's provisional members say.
   */
  update(state: ProfileState, t: number, changed: { readonly flipped: readonly Leaf[]; readonly sources?: readonly Source[]; readonly also?: readonly number[]; readonly newborn?: boolean }, cause: FlipCause): Flip[] {
    this.begin(state, t);
    for (const leaf of changed.flipped) this.flippedIn[leaf.index] = this.round;
    for (const leaf of changed.flipped) this.enqueueParents(leaf.index);
    changed.also?.forEach((segment) => this.enqueue(segment));
    const flips: Flip[] = [];
    while (this.queue.length > 0) {
      const segment = this.rules.segments[this.dequeue()]!;
      const wasInside = state.members.has(segment.index);
      const inside = evaluate(segment, wasInside && changed.newborn !== true, this.leafHolds);
      if (inside !== wasInside) flips.push(this.flip(segment, inside, cause));
    }
    changed.sources?.forEach((source) => { if (source instanceof ValueSource) source.movedFrom = undefined; });
    return flips;
  }

  begin(state: ProfileState, t: number): void {
    this.round += 1;
    if (this.round === 0xffffffff) {
      for (const marks of [this.askedIn, this.flippedIn, this.queuedIn, this.foundIn]) marks.fill(0);
      this.round = 1;
    }
    this.queue.length = 0;
    this.state = state;
    this.t = t;
  }

  /** So that flips found elsewhere in this round can say which leaves they come from. */
  markFlipped(leaves: readonly Leaf[]): void {
    for (const leaf of leaves) this.flippedIn[leaf.index] = this.round;
  }

  /** Changes the membership at the instant given to the last `begin`. */
  flip(segment: SegmentPlan, inside: boolean, cause: FlipCause): Flip {
    const { state, t } = this;
    if (inside) state.members.set(segment.index, t);
    else state.members.delete(segment.index);
    const nodes = this.flippedNodes(segment);
    const leaf = this.rules.segmentLeaves[segment.index];
    if (leaf) {
      this.flippedIn[leaf.index] = this.round;
      // Segments that name this one are asked after it: what was remembered of it in this round is from before.
      this.askedIn[leaf.index] = 0;
      this.enqueueParents(leaf.index);
    }
    const { by, event } = cause;
    return { segment: segment.key, version: segment.version, change: inside ? 'entered' : 'left', atMs: t, by, nodes, ...(event && { event }) };
  }

  private flippedNodes(segment: SegmentPlan): FlippedNode[] {
    const nodes: FlippedNode[] = [];
    for (const { leaf, path } of segment.places) {
      if (this.flippedIn[leaf.index] !== this.round) continue;
      nodes.push({ path, holds: leaf.holds(this.state, this.t), actual: actualOf(leaf, this.state, this.t) });
    }
    return nodes;
  }

  /** Asks those that the leaf's flip can change; the leaf is marked as flipped. */
  private enqueueParents(leaf: number): void {
    const { always, behind, valued } = this.rules.visits;
    for (const segment of always[leaf]!) this.enqueue(segment);
    for (const place of valued[leaf]!) {
      this.enqueueAll(this.now(place)?.get(leaf));
      // The value went elsewhere in this same round: those who needed the old one may leave.
      const { source, leavesOf } = this.rules.visits.byValue[place]!;
      if (source.movedFrom !== undefined) this.enqueueAll(leavesOf.get(source.movedFrom)?.get(leaf));
    }
    for (const { guard, segments } of behind[leaf]!) {
      if (this.flippedIn[guard] === this.round || this.leafHolds(guard)) this.enqueueAll(segments);
    }
  }

  private enqueueAll(segments: readonly number[] | undefined): void {
    if (segments !== undefined) for (const segment of segments) this.enqueue(segment);
  }

  /** The part of an index by value that is about the profile's present value. */
  private now(place: number): ReadonlyMap<number, readonly number[]> | undefined {
    if (this.foundIn[place] !== this.round) {
      this.foundIn[place] = this.round;
      const { source, leavesOf } = this.rules.visits.byValue[place]!;
      this.found[place] = leavesOf.get(keyOf(source.read(this.state)) ?? '');
    }
    return this.found[place];
  }

  private enqueue(segment: number): void {
    if (this.queuedIn[segment] === this.round) return;
    this.queuedIn[segment] = this.round;
    const { queue } = this;
    let at = queue.push(segment) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (queue[above]! <= segment) break;
      queue[at] = queue[above]!;
      at = above;
    }
    queue[at] = segment;
  }

  private dequeue(): number {
    const { queue } = this;
    const least = queue[0]!;
    const last = queue.pop()!;
    const length = queue.length;
    if (length === 0) return least;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= length) break;
      if (below + 1 < length && queue[below + 1]! < queue[below]!) below += 1;
      if (queue[below]! >= last) break;
      queue[at] = queue[below]!;
      at = below;
    }
    queue[at] = last;
    return least;
  }
}
