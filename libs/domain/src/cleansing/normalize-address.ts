import type { Json } from '@tributary/contracts/rule';
import { normalizeCountry } from './normalize-country.js';
import type { FieldContext, Normalized } from './normalized.js';
import { tidyLines, tidyText } from './tidy-text.js';

/**
 * A postal address: either text, whose lines are tidied, or an object of parts (`street`, `city`, `state`, `postalCode`,
 * `country`), whose texts are tidied, the country coded and letters of the postal code made capitals.
 */
export function normalizeAddress(value: Json, context: FieldContext): Normalized {
  if (typeof value === 'string') return { value: tidyLines(value) };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { value: undefined, issue: 'invalid_address' };
  const parts: { [part: string]: Json } = {};
  let issue: Normalized['issue'];
  for (const [part, written] of Object.entries(value as { readonly [part: string]: Json })) {
    let tidied = typeof written === 'string' ? tidyText(written) : written;
    if (part === 'postalCode' && typeof tidied === 'string') tidied = tidied.toUpperCase();
    if (part === 'country' && typeof tidied === 'string') {
      const country = normalizeCountry(tidied, context);
      issue = country.issue;
      tidied = country.value as Json;
    }
    // Defined, not assigned: a part may be called __proto__.
    Object.defineProperty(parts, part, { value: tidied, enumerable: true, writable: true, configurable: true });
  }
  return issue === undefined ? { value: parts } : { value: parts, issue };
}
