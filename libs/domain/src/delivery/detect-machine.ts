/** A request for the pixel or a link of a mail. */
export interface TrackedRequest {
  readonly kind: 'open' | 'click';
  readonly method: string;
  readonly userAgent: string;
  /** `Purpose`, `Sec-Purpose` or `X-Moz`: browsers mark what nobody looks at yet. */
  readonly purpose: string;
  /** Milliseconds since the mail server took the mail. */
  readonly sinceDeliveryMs: number;
}

export type MachineVerdict =
  | { readonly machine: false }
  | { readonly machine: true; readonly reason: 'method' | 'prefetch' | 'no_user_agent' | 'privacy_proxy' | 'scanner' | 'too_fast' };

/** Nobody reads a mail and clicks within a second of its arrival; a gateway does. */
export const CLICK_EARLIEST_MS = 1_000;

/** Gateways, link checkers and libraries; a browser's user agent holds none of these words. */
const SCANNERS =
  /bot\b|bot\/|crawl|spider|slurp|preview|scan|barracuda|proofpoint|mimecast|safelinks|symantec|messagelabs|trend ?micro|fireeye|sophos|forcepoint|cloudmark|headless|phantomjs|curl\/|wget\/|python|aiohttp|go-http-client|java\/|okhttp|axios|node-fetch|undici|libwww|httpclient|facebookexternalhit|whatsapp|skypeuri/i;

/** Gmail fetches images for a person who looks at the mail: an open without place and device, but an open. */
const PERSON_PROXIES = /GoogleImageProxy|ggpht\.com|YahooMailProxy/i;

/** Apple's Mail Privacy Protection fetches everything for everybody; its user agent is exactly this. */
const PRIVACY_PROXY = 'Mozilla/5.0';

/** Whether a machine asked. The event is kept either way, marked, and does not count in scores. */
export function detectMachine({ kind, method, userAgent, purpose, sinceDeliveryMs }: TrackedRequest): MachineVerdict {
  if (method !== 'GET') return { machine: true, reason: 'method' };
  if (/prefetch|prerender|preview/i.test(purpose)) return { machine: true, reason: 'prefetch' };
  const agent = userAgent.trim();
  if (agent === '') return { machine: true, reason: 'no_user_agent' };
  if (agent === PRIVACY_PROXY) return { machine: true, reason: 'privacy_proxy' };
  if (PERSON_PROXIES.test(agent)) return kind === 'open' ? { machine: false } : { machine: true, reason: 'scanner' };
  if (SCANNERS.test(agent)) return { machine: true, reason: 'scanner' };
  if (kind === 'click' && sinceDeliveryMs < CLICK_EARLIEST_MS) return { machine: true, reason: 'too_fast' };
  return { machine: false };
}
