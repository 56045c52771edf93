import { type LinkKind, LinkTokens, TOKEN_LENGTH_MAX } from './link-token.js';

const SECRET = 'the-current-secret-of-at-least-32-characters';
const FORMER = 'a-former-secret-of-at-least-32-characters-!!';
const SEND = '0a1b2c3d-4e5f-4a0b-8c0d-1e2f3a4b5c6d';
const URL_WITH_ALL = 'https://shop.example/ä?a=1&b=%20#x';

const tokens = new LinkTokens([SECRET]);

describe('a token in a link', () => {
  test.each(['unsubscribe', 'preferences', 'open'] as const)('says for which send it is (%s)', (kind) => {
    expect(tokens.read(kind, tokens.write({ kind, sendId: SEND }))).toEqual({ kind, sendId: SEND });
  });

  test('of a click says where it leads', () => {
    expect(tokens.read('click', tokens.write({ kind: 'click', sendId: SEND, url: URL_WITH_ALL }))).toEqual({ kind: 'click', sendId: SEND, url: URL_WITH_ALL });
  });

  test('is good for its own purpose only', () => {
    const kinds: LinkKind[] = ['unsubscribe', 'preferences', 'open', 'click'];
    for (const made of kinds) for (const read of kinds) expect(tokens.read(read, tokens.write({ kind: made, sendId: SEND })) === null).toBe(made !== read);
  });

  test('is refused with any single bit of it changed', () => {
    for (const kind of ['unsubscribe', 'click'] as const) {
      const token = tokens.write({ kind, sendId: SEND, url: kind === 'click' ? URL_WITH_ALL : undefined });
      for (let at = 0; at < token.length; at += 1) {
        for (let bit = 0; bit < 8; bit += 1) {
          const changed = token.slice(0, at) + String.fromCharCode(token.charCodeAt(at) ^ (1 << bit)) + token.slice(at + 1);
          expect(tokens.read(kind, changed)).toBeNull();
        }
      }
    }
  });

  test.each([
    ['nothing', ''], ['a dot', '.'], ['no signature', tokens.write({ kind: 'open', sendId: SEND }).split('.')[0] as string], ['a longer signature', `${tokens.write({ kind: 'open', sendId: SEND })}A`],
    ['padding', `${tokens.write({ kind: 'open', sendId: SEND })}=`], ['a space', `${tokens.write({ kind: 'open', sendId: SEND })} `], ['one too long', 'x'.repeat(TOKEN_LENGTH_MAX + 1)],
  ])('is not %s', (_, text) => {
    expect(tokens.read('open', text)).toBeNull();
  });

  test('signed with a former secret is accepted while that is listed, and new ones are signed with the current', () => {
    const old = new LinkTokens([FORMER]).write({ kind: 'unsubscribe', sendId: SEND });
    const both = new LinkTokens([SECRET, FORMER]);
    expect(both.read('unsubscribe', old)?.sendId).toBe(SEND);
    expect(tokens.read('unsubscribe', old)).toBeNull();
    expect(tokens.read('unsubscribe', both.write({ kind: 'unsubscribe', sendId: SEND }))?.sendId).toBe(SEND);
  });
});
