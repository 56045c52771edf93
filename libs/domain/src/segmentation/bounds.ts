import type { CountOp, ComparisonOp, Json } from '@tributary/contracts/rule';
import { ceilingOf, decimalOf, normalWhole, type Whole } from './exact-decimal.js';

/** `≥ value`, or `> value` where strict. */
export interface Bound {
  readonly value: number;
  readonly strict: boolean;
}

/** Holds where `lower` is met and `upper` is not. */
export interface BoundPair {
  readonly lower?: Bound;
  readonly upper?: Bound;
}

/** Every comparison with numbers as two bounds, so that one sorted list of bounds answers all of them at once. */
export function boundsOf(op: CountOp | ComparisonOp, value: Json): BoundPair {
  if (op === 'between') {
    const [low, high] = value as readonly [number, number];
    return { lower: { value: low, strict: false }, upper: { value: high, strict: true } };
  }
  const operand = value as number;
  switch (op) {
    case 'gte': return { lower: { value: operand, strict: false } };
    case 'gt': return { lower: { value: operand, strict: true } };
    case 'lt': return { upper: { value: operand, strict: false } };
    case 'lte': return { upper: { value: operand, strict: true } };
    case 'equals': return { lower: { value: operand, strict: false }, upper: { value: operand, strict: true } };
  }
}

/**
 * A sorted list of bounds. The position of a quantity is how many of them it meets: 0 to `length`. Bounds are added
 * while definitions are compiled, then sorted once.
 */
export class BoundScale {
  private readonly known = new Map<string, Bound>();
  private bounds: readonly Bound[] = [];
  /** The least whole number of units that meets each bound. */
  private wholes: readonly Whole[] = [];
  /** Each bound as `digits / power` units, and as a number of units where it is a whole one. */
  private quotients: readonly { readonly digits: bigint; readonly power: bigint; readonly whole: number | undefined }[] = [];

  /** `perUnit`: how many units make 1 (a million for millionths). */
  constructor(private readonly perUnit: bigint) {}

  add(bound: Bound | undefined): void {
    if (bound) this.known.set(boundKey(bound), bound);
  }

  sort(): void {
    this.bounds = [...this.known.values()].sort((a, b) => a.value - b.value || Number(a.strict) - Number(b.strict));
    this.wholes = this.bounds.map((bound) => ceilingOf(bound.value, this.perUnit, bound.strict));
    this.quotients = this.bounds.map((bound) => {
      const { digits, scale } = decimalOf(bound.value);
      const [units, power] = [digits * this.perUnit, 10n ** BigInt(scale)];
      const whole = units % power === 0n ? normalWhole(units / power) : undefined;
      return { digits: units, power, whole: typeof whole === 'number' ? whole : undefined };
    });
  }

  get length(): number {
    return this.bounds.length;
  }

  /** The least whole number that meets the bound before `position`. */
  wholeBefore(position: number): Whole {
    return this.wholes[position - 1]!;
  }

  /** The highest of the whole numbers; 0 where there are no bounds. */
  get highest(): Whole {
    return this.wholes[this.wholes.length - 1] ?? 0;
  }

  /** The bound's place: it is met at positions above this. */
  indexOf(bound: Bound): number {
    return this.bounds.findIndex((one) => one.value === bound.value && one.strict === bound.strict);
  }

  /** Of a whole number of units. */
  positionOf(quantity: Whole): number {
    const wholes = this.wholes;
    if (wholes.length <= 8) {
      let position = 0;
      while (position < wholes.length && wholes[position]! <= quantity) position += 1;
      return position;
    }
    return this.search((i) => wholes[i]! <= quantity);
  }

  /** Of the quotient `sum / count`, exact: `avg op v` means `sum op v · n` (rule 20). */
  positionOfQuotient(sum: Whole, count: number): number {
    return this.search((i) => {
      const { strict } = this.bounds[i]!;
      const { whole, digits, power } = this.quotients[i]!;
      if (whole !== undefined && typeof sum === 'number') {
        const right = whole * count;
        if (Number.isSafeInteger(right)) return strict ? sum > right : sum >= right;
      }
      const [left, right] = [BigInt(sum) * power, digits * BigInt(count)];
      return strict ? left > right : left >= right;
    });
  }

  private search(isMet: (index: number) => boolean): number {
    let [low, high] = [0, this.bounds.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isMet(middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function boundKey(bound: Bound): string {
  return `${bound.strict ? '>' : '≥'}${bound.value === 0 ? 0 : bound.value}`;
}
