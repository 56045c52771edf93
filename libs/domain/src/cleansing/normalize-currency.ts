import type { Json } from '@tributary/contracts/rule';
import type { FieldContext, Normalized } from './normalized.js';
import { tidyText } from './tidy-text.js';

/** A currency as ISO 4217 code. */
export function normalizeCurrency(value: Json, { tools }: FieldContext): Normalized {
  if (typeof value !== 'string') return { value: undefined, issue: 'unknown_currency' };
  const text = tidyText(value);
  const code = tools.currency(text.toUpperCase());
  return code === null ? { value: text, issue: 'unknown_currency' } : { value: code };
}
