/** Traits that name a person and say nothing else of them. */
const IDENTIFYING: ReadonlySet<string> = new Set(['email', 'phone']);

/**
 * Whether an identify call has nothing but identifiers, so that it may pass without consent to processing. A trait that is
 * removed (null) says something as well. Its context says nothing of the person: no rule sees it.
 * @param body of the identify event, parsed
 */
export function onlyIdentifies(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  const { traits } = body as { readonly traits?: unknown };
  if (traits === undefined || traits === null) return true;
  return typeof traits === 'object' && !Array.isArray(traits) && Object.keys(traits).every((trait) => IDENTIFYING.has(trait));
}
