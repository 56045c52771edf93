import type { SequenceNode, SequenceStep, WhereFilter } from '@tributary/contracts/rule';
import { eventsNamed, inWindow, propertyOf } from './compile-performed.js';
import { compareJson, compileValueTest } from './compile-value-test.js';
import type { Compilation, Frame } from './frame.js';
import { readDurationMs } from './read-duration.js';

/**
 * Sequences (rules 22 to 24), step by step: after each step the rows are the distinct pairs of last event and values
 * that later steps refer to. That is all that the steps to come depend on, so the work grows with events × events a
 * step and not with the number of choices.
 */
export function compileSequence(compilation: Compilation, frame: Frame, node: SequenceNode): string {
  const last = node.sequence.at(-1)!;
  const matched = last.absent ? node.sequence.slice(0, -1) : node.sequence;
  let rows = '';
  matched.forEach((step, i) => {
    rows = addStep({ compilation, frame, node, before: rows, step, i });
  });
  const profiles = last.absent ? withoutStep({ compilation, frame, node, before: rows }) : `SELECT s.profile_id FROM (${rows}) s`;
  return frame.leaf({ rows: `SELECT DISTINCT m.profile_id FROM (${profiles}) m`, holds: 'true', holdsForNone: false });
}

interface StepsSoFar {
  readonly compilation: Compilation;
  readonly frame: Frame;
  readonly node: SequenceNode;
  /** Rows `s` of the steps before; empty for the first step. */
  readonly before: string;
}

interface StepToAdd extends StepsSoFar {
  readonly step: SequenceStep;
  readonly i: number;
}

function addStep({ compilation, frame, node, before, step, i }: StepToAdd): string {
  const { events } = compilation.context.relations;
  const later = new Set(node.sequence.slice(i + 1).flatMap(referencesOf));
  const carried = [...later].filter((ref) => resolve(node, ref).step < i).map((ref) => `s.${columnOf(node, ref)}`);
  const bound = [...later]
    .filter((ref) => resolve(node, ref).step === i)
    .map((ref) => `${propertyOf(compilation, 'e', step.performed, resolve(node, ref).path)} AS ${columnOf(node, ref)}`);
  const columns = ['e.profile_id', 'e.ts_ms', 'e.message_id', ...carried, ...bound].join(', ');
  const from = before === '' ? `${events} e` : `(${before}) s JOIN ${events} e ON e.profile_id = s.profile_id`;
  return `SELECT DISTINCT ${columns} FROM ${from}${node.calendar ? frame.joinCalendar('e') : ''}
    WHERE ${fits(compilation, frame, node, step)}${inWindow(compilation, frame, 'e', node)}${before === '' ? '' : after(compilation, step)}`;
}

/** The choices for the steps before after which, within W, no event fits the last step, and W is over (rule 23). */
function withoutStep({ compilation, frame, node, before }: StepsSoFar): string {
  const step = node.sequence.at(-1)!;
  return `SELECT s.profile_id FROM (${before}) s
    WHERE ${frame.t} >= s.ts_ms + ${compilation.parameters.integer(readDurationMs(step.within!))}
      AND NOT EXISTS (SELECT FROM ${compilation.context.relations.events} e
        WHERE e.profile_id = s.profile_id AND ${fits(compilation, frame, node, step)}${after(compilation, step)})`;
}

function fits(compilation: Compilation, frame: Frame, node: SequenceNode, step: SequenceStep): string {
  const filters = (step.where ?? []).map((filter) => {
    const value = propertyOf(compilation, 'e', step.performed, filter.property);
    const condition =
      'ref' in filter
        ? compareJson(filter.op, value, `s.${columnOf(node, filter.ref)}`)
        : compileValueTest(compilation, frame, value, filter as WhereFilter);
    return ` AND (${condition}) IS TRUE`;
  });
  return `${eventsNamed(compilation, 'e', step.performed)} AND ${frame.known('e')}${frame.ofProfile('e')}${filters.join('')}`;
}

/** Conditions, with AND in front: `e` comes after the event of `s` in the order of rule 3, at most `within` later. */
function after({ parameters }: Compilation, step: SequenceStep): string {
  const limit = step.within === undefined ? '' : ` AND e.ts_ms <= s.ts_ms + ${parameters.integer(readDurationMs(step.within))}`;
  return ` AND e.ts_ms >= s.ts_ms AND (e.ts_ms > s.ts_ms OR e.message_id COLLATE "C" > s.message_id COLLATE "C")${limit}`;
}

function referencesOf(step: SequenceStep): readonly string[] {
  return (step.where ?? []).flatMap((filter) => ('ref' in filter ? [filter.ref] : []));
}

/** `name.path` of an earlier step (rule 24). A name may itself hold a dot: the longest that is a step's is meant. */
function resolve(node: SequenceNode, ref: string): { readonly step: number; readonly path: string } {
  const named = node.sequence.map(({ as }, step) => ({ as, step })).filter(({ as }) => as !== undefined && ref.startsWith(`${as}.`));
  const longest = named.sort((a, b) => b.as!.length - a.as!.length)[0];
  if (!longest) throw new Error(`"${ref}" names no step.`);
  return { step: longest.step, path: ref.slice(longest.as!.length + 1) };
}

function columnOf(node: SequenceNode, ref: string): string {
  const all = [...new Set(node.sequence.flatMap(referencesOf))];
  return `v${all.indexOf(ref)}`;
}
