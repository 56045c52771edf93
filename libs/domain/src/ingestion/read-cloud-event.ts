/** A Segment-spec event inside a CloudEvents 1.0 envelope, with what the envelope says where the event is silent. */
export interface OpenedEnvelope {
  readonly data: unknown;
  /** JSON of `data`. */
  readonly text: string;
  readonly id: string | null;
  readonly time: string | null;
}

/** Whether parsed JSON is a structured-mode envelope: a Segment-spec event has no `specversion` beside data. */
export function isCloudEvent(value: unknown): value is { readonly [key: string]: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const fields = value as { readonly [key: string]: unknown };
  return typeof fields['specversion'] === 'string' && ('data' in fields || 'data_base64' in fields);
}

/**
 * Opens a structured-mode envelope (JSON format of CloudEvents 1.0, section 3): `data` as JSON, or `data_base64` holding JSON.
 * @param decodeBase64 to text; throws or gives what is no JSON where it is malformed
 * @returns null where it is no CloudEvents 1.x envelope of JSON
 */
export function openCloudEvent(envelope: { readonly [key: string]: unknown }, decodeBase64: (text: string) => string): OpenedEnvelope | null {
  if (!isVersion1(envelope['specversion'])) return null;
  const id = text(envelope['id']);
  const time = text(envelope['time']);
  if (envelope['data'] !== undefined) return { data: envelope['data'], text: JSON.stringify(envelope['data']), id, time };
  const encoded = envelope['data_base64'];
  if (typeof encoded !== 'string') return null;
  try {
    const decoded = decodeBase64(encoded);
    return { data: JSON.parse(decoded), text: decoded, id, time };
  } catch {
    return null;
  }
}

export function isVersion1(version: unknown): boolean {
  return typeof version === 'string' && /^1\.\d+$/.test(version);
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
