import { equalSecrets, sign } from '@tributary/service/secrets';

/** What a link of a mail is for. A token made for one purpose is no good for another. */
export type LinkKind = 'unsubscribe' | 'preferences' | 'open' | 'click';

export interface LinkToken {
  readonly kind: LinkKind;
  readonly sendId: string;
  /** Of a click: where it leads. */
  readonly url?: string | undefined;
}

const LETTERS: { readonly [kind in LinkKind]: string } = { unsubscribe: 'u', preferences: 'p', open: 'o', click: 'c' };
const VERSION = '1';
const UUID_BYTES = 16;
const SIGNATURE = /^[A-Za-z0-9_-]{43}$/;

/** Longer ones are not looked at; a part of a path may not be longer. */
export const TOKEN_LENGTH_MAX = 2_000;

/** The send of a preview: its links lead to pages that say so. */
export const PREVIEW_SEND_ID = '00000000-0000-0000-0000-000000000000';

/**
 * Makes and reads the tokens in the links of mails: the send (a random id) and, for clicks, the destination, signed with
 * HMAC-SHA256. They do not expire, since old mails must still unsubscribe. The first secret signs; all are accepted, so
 * that the secret can be changed while mails are on their way.
 */
export class LinkTokens {
  /** @param secrets the current one, then former ones */
  constructor(private readonly secrets: readonly [string, ...string[]]) {}

  write({ kind, sendId, url = '' }: LinkToken): string {
    const payload = Buffer.concat([Buffer.from(sendId.replaceAll('-', ''), 'hex'), Buffer.from(url)]).toString('base64url');
    const signed = `${VERSION}${LETTERS[kind]}${payload}`;
    return `${signed}.${sign(this.secrets[0], 'mail-link', signed)}`;
  }

  /** Null for whatever was not made by {@link write} for this kind, to the letter. */
  read(kind: LinkKind, token: string): LinkToken | null {
    if (token.length > TOKEN_LENGTH_MAX) return null;
    const dot = token.lastIndexOf('.');
    const signed = token.slice(0, dot);
    const signature = token.slice(dot + 1);
    if (dot === -1 || !SIGNATURE.test(signature) || !signed.startsWith(`${VERSION}${LETTERS[kind]}`)) return null;
    if (!this.secrets.some((secret) => equalSecrets(signature, sign(secret, 'mail-link', signed)))) return null;
    const bytes = Buffer.from(signed.slice(2), 'base64url');
    if (bytes.length < UUID_BYTES) return null;
    const hex = bytes.toString('hex', 0, UUID_BYTES);
    const sendId = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
    return { kind, sendId, ...(kind === 'click' ? { url: bytes.toString('utf8', UUID_BYTES) } : {}) };
  }
}
