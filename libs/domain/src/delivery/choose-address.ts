const ADDRESS_LENGTH_MAX = 254;
const LOCAL_LENGTH_MAX = 64;
const LOCAL = /^[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const LABEL = /^[\p{L}\p{N}]([\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?$/u;

export type Address = { readonly kind: 'none' } | { readonly kind: 'invalid' } | { readonly kind: 'valid'; readonly address: string };

/**
 * Where to write to. Identifiers decide, because ingestion guards them: a trait set by anybody's browser must not send
 * one person's mail to another. The trait chooses among several identifiers, and counts alone where there is none.
 */
export function chooseAddress(identifiers: readonly string[], trait: unknown): Address {
  const wanted = typeof trait === 'string' ? trait.trim() : '';
  const same = identifiers.find((identifier) => identifier.toLowerCase() === wanted.toLowerCase());
  const address = same ?? identifiers[0] ?? wanted;
  if (address === '') return { kind: 'none' };
  return isAddress(address) ? { kind: 'valid', address } : { kind: 'invalid' };
}

/** One mailbox as SMTP takes it: dot-atom and a dotted domain, no display name, no quotes, nothing that ends a line. */
export function isAddress(text: string): boolean {
  if (text.length > ADDRESS_LENGTH_MAX) return false;
  const at = text.lastIndexOf('@');
  const local = text.slice(0, at);
  const labels = text.slice(at + 1).split('.');
  return at > 0 && local.length <= LOCAL_LENGTH_MAX && LOCAL.test(local) && labels.length > 1 && labels.every((label) => LABEL.test(label));
}
