import type { Json } from '@tributary/contracts/rule';
import type { FieldContext, Normalized } from './normalized.js';
import { tidyText } from './tidy-text.js';

/** A country as ISO 3166-1 alpha-2, from its name or a code. */
export function normalizeCountry(value: Json, { tools }: FieldContext): Normalized {
  if (typeof value !== 'string') return { value: undefined, issue: 'unknown_country' };
  const text = tidyText(value);
  if (text === '') return { value: text };
  const code = tools.country(text);
  return code === null ? { value: text, issue: 'unknown_country' } : { value: code };
}
