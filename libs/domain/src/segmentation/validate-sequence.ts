import { child, isObject, type JsonObject, type RuleCheck } from './rule-verdict.js';
import { parseDuration } from './parse-duration.js';
import { validateEvent, validateWhere } from './validate-leaf.js';
import { validateDuration, validateOp } from './validate-test.js';
import { validateWindow, WINDOW_FIELDS } from './validate-window.js';

export const STEPS_MIN = 2;
export const STEPS_MAX = 10;

const REF_OPS = ['equals', 'notEquals', 'gt', 'gte', 'lt', 'lte'];

export function validateSequence(node: JsonObject, pointer: string, check: RuleCheck): void {
  check.onlyFields(node, pointer, ['sequence', ...WINDOW_FIELDS]);
  validateWindow(node, pointer, check);
  const steps = node['sequence'];
  const at = child(pointer, 'sequence');
  if (!Array.isArray(steps)) {
    check.refuse(at, 'wrong_type', `Give "sequence" as a list of ${STEPS_MIN} to ${STEPS_MAX} steps.`);
    return;
  }
  if (steps.length < STEPS_MIN) check.refuse(at, 'invalid_sequence', `Give at least ${STEPS_MIN} steps; one event alone is a "performed" node.`);
  if (steps.length > STEPS_MAX) check.refuse(at, 'too_long', `Give at most ${STEPS_MAX} steps.`);
  const names = new Set<string>();
  steps.slice(0, STEPS_MAX + 1).forEach((step: unknown, i) => {
    const here = child(at, i);
    if (!isObject(step)) check.refuse(here, 'wrong_type', 'Give a step such as {"performed":"Checkout Started"}.');
    else validateStep(step, here, { node, index: i, isLast: i === steps.length - 1, names, check });
  });
}

interface StepPlace {
  readonly node: JsonObject;
  readonly index: number;
  readonly isLast: boolean;
  /** Of the steps before. */
  readonly names: Set<string>;
  readonly check: RuleCheck;
}

function validateStep(step: JsonObject, pointer: string, place: StepPlace): void {
  const { check, names, index } = place;
  check.onlyFields(step, pointer, ['performed', 'as', 'within', 'where', 'absent']);
  validateEvent(step, pointer, check);
  if (step['within'] !== undefined) {
    if (index === 0) check.refuse(child(pointer, 'within'), 'not_allowed', 'Remove "within" from the first step: it says how soon a step follows the one before.');
    else validateDuration(step['within'], child(pointer, 'within'), check);
  }
  if (step['absent'] !== undefined) validateAbsent(step, pointer, place);
  validateWhere(step, pointer, { check, refsAllowed: true });
  if (Array.isArray(step['where'])) {
    step['where'].forEach((filter: unknown, i) => {
      if (isObject(filter) && filter['ref'] !== undefined) validateRef(filter, child(child(pointer, 'where'), i), place);
    });
  }
  if (step['as'] === undefined || !check.text(step, 'as', pointer)) return;
  const name = step['as'] as string;
  if (name.includes('.')) check.refuse(child(pointer, 'as'), 'wrong_type', 'Give a name without dots.');
  else if (names.has(name)) check.refuse(child(pointer, 'as'), 'duplicate_name', `Another step is named "${name}"; names are unique.`);
  names.add(name);
}

function validateAbsent(step: JsonObject, pointer: string, place: StepPlace): void {
  const { check, node, index, isLast } = place;
  const at = child(pointer, 'absent');
  if (typeof step['absent'] !== 'boolean') check.refuse(at, 'wrong_type', 'Give "absent" as true, or leave it out.');
  if (step['absent'] !== true) return;
  if (!isLast || index === 0) {
    check.refuse(at, 'invalid_sequence', 'Only the last step may be absent.');
    return;
  }
  if (step['within'] === undefined) {
    check.refuse(child(pointer, 'within'), 'missing_field', 'Give the absent step its own "within": how long it must have stayed away.');
    return;
  }
  const own = parseDuration(step['within']);
  const whole = parseDuration(node['within'] ?? node['fromAgo']);
  if (own !== undefined && whole !== undefined && own >= whole) {
    check.refuse(child(pointer, 'within'), 'invalid_range', 'Give the absent step a "within" that is smaller than the sequence\'s.');
  }
}

function validateRef(filter: JsonObject, pointer: string, place: StepPlace): void {
  const { check, names } = place;
  check.onlyFields(filter, pointer, ['property', 'op', 'ref']);
  check.text(filter, 'property', pointer);
  validateOp(filter, pointer, REF_OPS, check);
  if (!check.text(filter, 'ref', pointer)) return;
  const [name, ...path] = (filter['ref'] as string).split('.');
  const at = child(pointer, 'ref');
  if (path.length === 0 || path.join('.') === '') check.refuse(at, 'wrong_type', 'Give "ref" as the name of an earlier step, a dot, and a property, such as "a.cart_id".');
  else if (!names.has(name!)) check.refuse(at, 'unknown_reference', `No earlier step is named "${name!}" by "as".`);
}
