import type { ValidationError } from '@nestjs/common';
import { type FieldProblem, Problem } from './problem.js';

/** What class-validator found, as problem details: every wrong field with its JSON Pointer. */
export function toProblem(errors: ValidationError[]): Problem {
  const fields = errors.flatMap((error) => fieldsOf(error, ''));
  return new Problem(422, 'refused', fields[0]?.detail ?? 'The body does not have the documented form.', fields);
}

function fieldsOf(error: ValidationError, parent: string): FieldProblem[] {
  const pointer = `${parent}/${error.property.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const own = Object.entries(error.constraints ?? {}).map(([constraint, detail]) => ({ pointer, code: codeOf(constraint), detail }));
  return [...own, ...(error.children ?? []).flatMap((child) => fieldsOf(child, pointer))];
}

function codeOf(constraint: string): string {
  if (constraint === 'whitelistValidation') return 'unknown_field';
  if (constraint === 'isDefined' || constraint === 'isNotEmpty') return 'missing_field';
  return constraint.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
