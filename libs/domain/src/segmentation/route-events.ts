import type { Json, WhereFilter } from '@tributary/contracts/rule';
import { indexKey, orderTexts } from './compare-values.js';
import type { CompilePattern } from './engine.js';
import { utcDays } from './local-days.js';
import { readPath, splitPath } from './read-path.js';
import type { EventBody } from './rule-entry.js';
import { canonicalTest, compileTest, type CompiledTest } from './test-value.js';
import type { FixedRange } from './window.js';

/** Reads a property of an event; of a view, `name` at the top level wins (rule 19). */
export type ReadProperty = (body: EventBody) => Json | undefined;

export function propertyReader(path: string, eventName: string): ReadProperty {
  const parts = splitPath(path);
  const isView = eventName === 'page' || eventName === 'screen';
  if (!isView || parts[0] !== 'name') return (body) => readPath(body.properties, parts);
  const rest = parts.slice(1);
  return (body) => ((body.name ?? undefined) === undefined ? readPath(body.properties, parts) : readPath(body.name, rest));
}

/** A text that is the same for lists of filters that mean the same. */
export function canonicalWhere(where: readonly WhereFilter[]): string {
  return [...new Set(where.map((filter) => `${filter.property} ${canonicalTest(filter)}`))].sort(orderTexts).join('\u0000');
}

interface Filter {
  readonly read: ReadProperty;
  readonly test: CompiledTest;
}

interface Conditional<T> {
  readonly filters: readonly Filter[];
  readonly range: FixedRange | undefined;
  readonly target: T;
}

/** For the events of one name: which targets each of them concerns. */
export class NameRoute<T> {
  private readonly always: T[] = [];
  /** Targets that ask for one of some values of a property are found by the value. */
  private readonly byProperty = new Map<string, { readonly read: ReadProperty; readonly byValue: Map<string, Conditional<T>[]> }>();
  private readonly rest: Conditional<T>[] = [];
  needsBody = false;

  constructor(private readonly name: string, private readonly compilePattern: CompilePattern) {}

  add(target: T, where: readonly WhereFilter[], range: FixedRange | undefined): void {
    if (where.length > 0) this.needsBody = true;
    if (where.length === 0 && !range) {
      this.always.push(target);
      return;
    }
    const filters = where.map((filter) => ({
      property: filter.property,
      read: propertyReader(filter.property, this.name),
      test: compileTest(filter, this.compilePattern),
    }));
    const first = filters.find((filter) => filter.test.oneOf && !filter.test.oneOf.negated);
    const conditional = { filters: filters.filter((filter) => filter !== first), range, target };
    if (!first) this.rest.push(conditional);
    else for (const key of new Set(first.test.oneOf!.keys)) this.addByValue(first, key, conditional);
  }

  /** Adds each target that the event concerns to `matched`, once. */
  match(timeMs: number, body: EventBody, matched: T[]): void {
    for (const target of this.always) matched.push(target);
    for (const { read, byValue } of this.byProperty.values()) {
      const value = read(body);
      const candidates = value === undefined ? undefined : byValue.get(indexKey(value));
      if (candidates) for (const one of candidates) if (passes(one, timeMs, body)) matched.push(one.target);
    }
    for (const one of this.rest) if (passes(one, timeMs, body)) matched.push(one.target);
  }

  private addByValue(filter: Filter & { readonly property: string }, key: string, conditional: Conditional<T>): void {
    let index = this.byProperty.get(filter.property);
    if (!index) this.byProperty.set(filter.property, (index = { read: filter.read, byValue: new Map() }));
    const there = index.byValue.get(key);
    if (there) there.push(conditional);
    else index.byValue.set(key, [conditional]);
  }
}

function passes<T>(conditional: Conditional<T>, timeMs: number, body: EventBody): boolean {
  const { range, filters } = conditional;
  if (range && (timeMs < range.fromMs || timeMs >= range.toMs)) return false;
  for (const { read, test } of filters) if (!test.holds(read(body), 0, utcDays)) return false;
  return true;
}
