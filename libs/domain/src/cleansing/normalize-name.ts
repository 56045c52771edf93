import type { Json } from '@tributary/contracts/rule';
import type { Normalized } from './normalized.js';
import { tidyText } from './tidy-text.js';

/**
 * A name, tidied. Its case is its owner's: no rule knows that MacKenzie, de la Cruz and van der Berg are right as they
 * are, or that JANE is not a brand.
 */
export function normalizeName(value: Json): Normalized {
  return typeof value === 'string' ? { value: tidyText(value) } : { value: undefined, issue: 'invalid_name' };
}
