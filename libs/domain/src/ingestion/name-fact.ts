const FACTS: ReadonlySet<string> = new Set(['Order Completed', 'Order Refunded', 'Order Cancelled']);

/**
 * What an event reports, where two systems may report the same: an order by its `order_id` as text. Null for all others:
 * they are what they are by their message id.
 */
export function nameFact(type: string, name: string, properties: unknown): string | null {
  if (type !== 'track' || !FACTS.has(name)) return null;
  const id = (properties as { readonly order_id?: unknown } | null | undefined)?.order_id;
  if (typeof id === 'number') return String(id);
  return typeof id === 'string' && id !== '' ? id : null;
}
