import { equalSecrets, sign } from './secrets.js';

const PREFIX = 'internal';
const VALID_MS = 5 * 60_000;
const MINUTE_MS = 60_000;
const TOKEN = /^internal\.(\d{1,12})\.([\w-]{43})$/;

/**
 * What one of our services shows another when it asks on behalf of a workspace: signed with the installation's secret,
 * for this workspace alone, for five minutes.
 * @returns `internal.<minute>.<signature>`, for metadata `authorization: Bearer …` beside metadata `workspace`
 */
export function internalToken(secret: string, workspace: string, nowMs: number): string {
  const minute = String(Math.floor(nowMs / MINUTE_MS));
  return `${PREFIX}.${minute}.${signature(secret, workspace, minute)}`;
}

/** Whether a token was made with this secret for this workspace within five minutes of `nowMs`. In constant time. */
export function isInternalToken(token: string, secret: string, workspace: string, nowMs: number): boolean {
  const match = TOKEN.exec(token);
  if (match === null) return false;
  const [, minute = '', signed = ''] = match;
  const isSigned = equalSecrets(signed, signature(secret, workspace, minute));
  return isSigned && Math.abs(nowMs - Number(minute) * MINUTE_MS) <= VALID_MS + MINUTE_MS;
}

/** Tells an internal token from an admin key, whose signature is not looked at. */
export function looksInternal(token: string): boolean {
  return TOKEN.test(token);
}

function signature(secret: string, workspace: string, minute: string): string {
  return sign(secret, PREFIX, workspace, minute);
}
