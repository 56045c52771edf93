import cases from './decide-identity.cases.json' with { type: 'json' };
import { type Claim, decideIdentity } from './decide-identity.js';

/** `previous userId=K1`: K profiles are known, A ones anonymous; the digit says how old, 1 the oldest; `-` is nobody. */
function readClaim(text: string): Claim {
  const [names = '', id = ''] = text.split('=');
  const type = names.split(' ').at(-1) as string;
  const profile = id === '-' ? null : { profileId: id, known: id.startsWith('K'), createdMs: Number(id.slice(1)) };
  return { type, value: 'x', profile, isPrevious: names.startsWith('previous ') };
}

describe('whose event it is', () => {
  test.each(cases)('$name', (given) => {
    const claims = given.claims.map(readClaim);
    const { owner, absorbed, attached, conflicts } = given;
    expect(decideIdentity({ claims, isAlias: 'alias' in given, isTrusted: !('trusted' in given) })).toEqual({ owner, absorbed, attached, conflicts });
  });

  test('of two made at one instant the smaller id counts as the older', () => {
    const profile = (profileId: string) => ({ profileId, known: false, createdMs: 1 });
    const claims = [{ type: 'deviceId', value: 'd', profile: profile('b') }, { type: 'anonymousId', value: 'a', profile: profile('a') }];
    expect(decideIdentity({ claims, isAlias: false, isTrusted: true })).toMatchObject({ owner: 'a', absorbed: ['b'] });
    expect(decideIdentity({ claims: claims.toReversed(), isAlias: false, isTrusted: true })).toMatchObject({ owner: 'a', absorbed: ['b'] });
  });
});
