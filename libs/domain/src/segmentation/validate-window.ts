import type { Json } from '@tributary/contracts/rule';
import { parseInstant } from './parse-instant.js';
import { parseDays, parseDuration } from './parse-duration.js';
import { child, type JsonObject, type RuleCheck } from './rule-verdict.js';
import { validateDuration } from './validate-test.js';

export const WINDOW_FIELDS = ['within', 'calendar', 'fromAgo', 'toAgo', 'from', 'to'];

/** The window fields of a `performed` or `sequence` node (rules 7 to 9). */
export function validateWindow(node: JsonObject, pointer: string, check: RuleCheck): void {
  const has = (field: string): boolean => node[field] !== undefined;
  const kinds = [has('within') && 'within', (has('fromAgo') || has('toAgo')) && 'fromAgo and toAgo', (has('from') || has('to')) && 'from and to'].filter(Boolean);
  if (kinds.length > 1) {
    const field = WINDOW_FIELDS.find((one) => one !== 'within' && one !== 'calendar' && has(one))!;
    check.refuse(child(pointer, field), 'mixed_window', `Use one window: ${kinds.join(', or ')}.`);
    return;
  }
  if (has('calendar')) validateCalendar(node, pointer, check);
  else if (has('within')) validateDuration(node['within'], child(pointer, 'within'), check);
  if (has('fromAgo') || has('toAgo')) validateAgo(node, pointer, check);
  if (has('from') || has('to')) validateRange(node, pointer, check);
}

function validateCalendar(node: JsonObject, pointer: string, check: RuleCheck): void {
  const { calendar, within } = node;
  if (typeof calendar !== 'boolean') check.refuse(child(pointer, 'calendar'), 'wrong_type', 'Give "calendar" as true or false, or leave it out.');
  else if (!calendar) {
    if (within !== undefined) validateDuration(within, child(pointer, 'within'), check);
  } else if (within === undefined) check.refuse(child(pointer, 'calendar'), 'not_allowed', '"calendar" goes with "within" in days or weeks only.');
  else if (parseDays(within, 'positive') === undefined) {
    check.refuse(child(pointer, 'within'), 'invalid_duration', 'With "calendar", give "within" in days or weeks, such as "7d" or "2w".');
  }
}

function validateAgo(node: JsonObject, pointer: string, check: RuleCheck): void {
  for (const field of ['fromAgo', 'toAgo']) {
    if (node[field] === undefined) check.refuse(child(pointer, field), 'missing_field', 'Give both "fromAgo" and "toAgo"; for a window that ends now use "within".');
    else validateDuration(node[field], child(pointer, field), check);
  }
  const [from, to] = [parseDuration(node['fromAgo']), parseDuration(node['toAgo'])];
  if (from !== undefined && to !== undefined && from <= to) check.refuse(child(pointer, 'fromAgo'), 'empty_window', 'Give a "fromAgo" that is longer than "toAgo".');
}

function validateRange(node: JsonObject, pointer: string, check: RuleCheck): void {
  const ends: (number | undefined)[] = [];
  for (const field of ['from', 'to']) {
    const instant = parseInstant(node[field] as Json | undefined);
    ends.push(instant);
    if (node[field] !== undefined && instant === undefined) {
      check.refuse(child(pointer, field), 'invalid_instant', `Give "${field}" as an instant: 2026-01-31, 2026-01-31T12:00:00Z, or epoch milliseconds as a number.`);
    }
  }
  const [from, to] = ends;
  if (from !== undefined && to !== undefined && from >= to) check.refuse(child(pointer, 'to'), 'empty_window', 'Give a "to" that is later than "from".');
}
