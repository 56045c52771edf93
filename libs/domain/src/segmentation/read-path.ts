import type { Json } from '@tributary/contracts/rule';

/** `address.city` → its parts. */
export function splitPath(path: string): readonly string[] {
  return path.split('.');
}

/** Walks objects by own keys, never arrays; `null` and what is missing are undefined (rule 12). */
export function readPath(value: Json | undefined, parts: readonly string[]): Json | undefined {
  let current = value;
  for (const part of parts) {
    if (typeof current !== 'object' || current === null || Array.isArray(current)) return undefined;
    if (!Object.hasOwn(current, part)) return undefined;
    current = (current as { readonly [key: string]: Json })[part];
  }
  return current ?? undefined;
}
