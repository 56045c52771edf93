import type { Json } from '@tributary/contracts/rule';
import { compareEvents, type EventStamp } from './event-order.js';

export interface Trait {
  readonly stamp: EventStamp;
  /** Undefined: removed. The stamp stays, so that an older value which arrives later does not come back. */
  readonly value: Json | undefined;
}

/** By trait name. */
export type Traits = Map<string, Trait>;

/** Trait names of one profile that are remembered, removed ones included. Further names are not taken. */
export const TRAITS_MAX = 1_000;

/**
 * A trait has the value of the identify event with the greatest (time, messageId) that carries it, replaced whole;
 * `null` removes it. So events may arrive in any order and any number of times.
 * @returns whether any value changed
 */
export function identify(traits: Traits, values: { readonly [name: string]: Json }, stamp: EventStamp): boolean {
  let changed = false;
  for (const name of Object.keys(values)) {
    const value = values[name] as Json;
    changed = setTrait(traits, name, { stamp, value: value === null ? undefined : value }) || changed;
  }
  return changed;
}

/** Adds everything that `other` holds. @returns whether any value changed */
export function uniteTraits(traits: Traits, other: Traits): boolean {
  let changed = false;
  for (const [name, trait] of other) changed = setTrait(traits, name, trait) || changed;
  return changed;
}

/** Name → value of those present. */
export function presentTraits(traits: Traits): { readonly [name: string]: Json } {
  const present: [string, Json][] = [];
  for (const [name, { value }] of traits) if (value !== undefined) present.push([name, value]);
  // Defines own properties whatever the name, `__proto__` too.
  return Object.fromEntries(present);
}

function setTrait(traits: Traits, name: string, trait: Trait): boolean {
  const before = traits.get(name);
  if (before === undefined && traits.size >= TRAITS_MAX) return false;
  if (before !== undefined && compareEvents(before.stamp, trait.stamp) >= 0) return false;
  traits.set(name, trait);
  return trait.value !== undefined || before?.value !== undefined;
}
