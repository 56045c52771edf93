import type { EntryHeader } from '@tributary/contracts/entry';
import type { Json } from '@tributary/contracts/rule';
import * as fc from 'fast-check';
import { cleanse, type Cleansed, type Field, type FieldType } from './cleanse.js';
import cases from './normalize.cases.json' with { type: 'json' };
import type { CleansingTools } from './normalized.js';

const AT = Date.parse('2026-03-01T12:00:00.000Z');

/** As little of the world as the tables need. */
const tools: CleansingTools = {
  phone(text, country) {
    const digits = text.replace(/\D/g, '');
    const full = text.startsWith('+') ? digits : country === 'US' ? `1${digits}` : '';
    return full.length >= 10 ? `+${full}` : null;
  },
  country: (text) => ({ germany: 'DE', deutschland: 'DE', de: 'DE', us: 'US', usa: 'US', gb: 'GB' })[text.toLowerCase()] ?? null,
  currency: (text) => (text === 'EUR' ? 'EUR' : null),
};

function aHeader(over: Partial<EntryHeader> = {}): EntryHeader {
  return {
    kind: 'event', workspace: 'ws_a', profileId: 'p', type: 'identify', name: '', messageId: 'm', timestampMs: AT, appendedAtMs: AT, source: 0, offset: 1, ...over,
  };
}

const clean = (body: unknown, over: Partial<EntryHeader> = {}, declared: readonly Field[] = []): Cleansed =>
  cleanse(aHeader(over), Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), tools, declared);

const bodyOf = (cleansed: Cleansed): Json => JSON.parse(String((cleansed as { body: Buffer }).body)) as Json;

describe('a field', () => {
  test.each(cases as readonly { type: FieldType; in: Json; country?: string; out?: Json; issue?: string }[])('of type $type, $in ($country), becomes $out ($issue)', ({ type, in: value, country, out, issue }) => {
    const field = { path: ['properties', 'it'], type };
    const body = { properties: { it: value, other: ' X ' }, context: { location: { country: country ?? '' } } };
    const once = clean(body, { type: 'track', name: 'T' }, [field]);
    const expected = { ...body, properties: { ...(out === undefined ? {} : { it: out }), other: ' X ' } };
    expect(once.outcome === 'changed' ? bodyOf(once) : body).toEqual(expected);
    expect((once as { issues: readonly object[] }).issues).toEqual(issue === undefined ? [] : [{ issue, pointer: '/properties/it' }]);
    // What is right stays right.
    if (out !== undefined) expect(clean(expected, { type: 'track', name: 'T' }, [field]).outcome).toBe('kept');
  });

  test('that is null says that there is none, and stays', () => {
    expect(clean({ traits: { email: null, address: null } })).toEqual({ outcome: 'kept', issues: [] });
  });
});

describe('an identify call', () => {
  test('has its seven traits made right and nothing else touched', () => {
    const cleansed = clean({
      userId: ' 42 ', messageId: 'm', context: { traits: { email: ' X ' }, ip: ' 1 ' },
      traits: {
        email: ' Ann@A.Example', phone: '(415) 555-2671', name: ' Ann  Lee', firstName: ' Ann', lastName: 'Lee ', birthday: '12.05.1980',
        address: { country: 'USA', city: ' SF ' }, company: ' A  Ltd ', nickname: ' X ', plan: null, tags: [' a '], Email: ' B@B ',
      },
    });
    expect(cleansed.outcome).toBe('changed');
    expect(bodyOf(cleansed)).toEqual({
      userId: ' 42 ', messageId: 'm', context: { traits: { email: ' X ' }, ip: ' 1 ' },
      traits: {
        email: 'ann@a.example', phone: '+14155552671', name: 'Ann Lee', firstName: 'Ann', lastName: 'Lee', birthday: '1980-05-12',
        address: { country: 'US', city: 'SF' }, company: ' A  Ltd ', nickname: ' X ', plan: null, tags: [' a '], Email: ' B@B ',
      },
    });
  });

  test('takes the country of a number or a birthday from the address, also by name', () => {
    expect(bodyOf(clean({ traits: { phone: '4155552671', birthday: '03/04/1980', address: { country: 'usa' } } }))).toMatchObject({ traits: { phone: '+14155552671', birthday: '1980-03-04' } });
  });

  test.each([
    [{ userId: '42' }], [{ traits: null }], [{ traits: {} }], [{ traits: { plan: ' pro ' } }], [{ traits: { email: 'ann@a.example', name: 'Ann' } }],
  ])('in which all is right keeps its bytes: %j', (body) => {
    expect(clean(body)).toEqual({ outcome: 'kept', issues: [] });
  });

  test('with a trait that cannot be one goes on without it, so that what was known stays', () => {
    const cleansed = clean({ traits: { email: 42, plan: 'pro' } });
    expect([bodyOf(cleansed), (cleansed as { issues: object }).issues]).toEqual([{ traits: { plan: 'pro' } }, [{ issue: 'invalid_email', pointer: '/traits/email' }]]);
  });

  test('with an unreadable address goes on with it as written, and it is counted', () => {
    expect(clean({ traits: { email: 'not an address' } })).toEqual({ outcome: 'kept', issues: [{ issue: 'invalid_email', pointer: '/traits/email' }] });
  });

  test.each(['{', '', 'null', '[]', '"x"', '7'])('whose body is %j is quarantined', (body) => {
    expect(clean(body)).toEqual({ outcome: 'quarantined', reason: 'malformed_body', pointer: '' });
  });

  test.each([[[]], ['x'], [7], [true]])('whose traits are %j is quarantined', (traits) => {
    expect(clean({ traits })).toEqual({ outcome: 'quarantined', reason: 'malformed_traits', pointer: '/traits' });
  });

  test('keeps strange keys as they are', () => {
    const text = '{"traits":{"__proto__":{"a":1},"constructor":2,"email":" A@a.example","address":{"__proto__":" b ","city":"C"}}}';
    const right = '{"traits":{"__proto__":{"a":1},"constructor":2,"email":"a@a.example","address":{"__proto__":"b","city":"C"}}}';
    expect(String((clean(text) as { body: Buffer }).body)).toBe(right);
  });
});

describe('any other event', () => {
  test.each(['track', 'page', 'screen', 'group', 'alias'])('of type %s is not even parsed', (type) => {
    expect(clean('this is no JSON', { type, name: type === 'track' ? 'T' : '' })).toEqual({ outcome: 'kept', issues: [] });
  });

  test('has only declared fields changed, where they are', () => {
    const declared: Field[] = [{ path: ['properties', 'currency'], type: 'currency' }, { path: ['properties', 'ship', 'to'], type: 'country' }];
    const cleansed = clean({ properties: { currency: 'eur', other: 'eur', ship: { to: 'Germany' } }, traits: { email: ' X@x.example ' } }, { type: 'track', name: 'T' }, declared);
    expect(bodyOf(cleansed)).toEqual({ properties: { currency: 'EUR', other: 'eur', ship: { to: 'DE' } }, traits: { email: ' X@x.example ' } });
    expect(clean({ properties: { ship: 'x' } }, { type: 'track', name: 'T' }, declared)).toEqual({ outcome: 'kept', issues: [] });
  });
});

describe('times and what is required', () => {
  test.each([
    ['-0001-01-01', 'quarantined'], ['0001-01-01T00:00:00Z', 'quarantined'], ['1969-12-31T23:59:59.999Z', 'quarantined'],
    ['1970-01-01T00:00:00.000Z', 'doubted'], ['1999-12-31T23:59:59.999Z', 'doubted'], ['2000-01-01T00:00:00.000Z', 'kept'], ['2026-03-01T12:00:00.000Z', 'kept'],
  ])('an event of %s is %s', (time, expected) => {
    const timestampMs = time.startsWith('-') ? -8e13 : Date.parse(time);
    const answers = {
      quarantined: { outcome: 'quarantined', reason: 'implausible_time', pointer: '/timestamp' },
      doubted: { outcome: 'kept', issues: [{ issue: 'doubtful_time', pointer: '/timestamp' }] },
      kept: { outcome: 'kept', issues: [] },
    };
    expect(clean({}, { type: 'track', name: 'T', timestampMs })).toEqual(answers[expected as keyof typeof answers]);
  });

  test('no time at all, no name, no message id: each its reason', () => {
    expect(clean({}, { timestampMs: Number.NaN })).toMatchObject({ reason: 'implausible_time' });
    expect(clean({}, { type: 'track', name: ' ' })).toMatchObject({ reason: 'missing_name', pointer: '/event' });
    expect(clean({}, { messageId: '' })).toMatchObject({ reason: 'missing_message_id' });
  });
});

test('cleansing twice changes nothing more, and never anything but the seven traits', () => {
  const traits = fc.dictionary(fc.constantFrom('email', 'phone', 'name', 'firstName', 'lastName', 'address', 'birthday', 'plan', 'title', 'toString'), fc.jsonValue());
  const text = fc.dictionary(fc.constantFrom('email', 'phone', 'name', 'birthday', 'plan'), fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(fc.oneof(traits, text), fc.jsonValue(), (sent, context) => {
      const body = { traits: sent, context } as { traits: Record<string, Json>; context: Json };
      const once = clean(body);
      if (once.outcome !== 'changed') return expect(once.outcome).toBe('kept');
      const changed = bodyOf(once) as unknown as typeof body;
      expect(changed.context).toEqual(JSON.parse(JSON.stringify(context)));
      for (const trait of ['plan', 'title', 'toString']) expect(changed.traits[trait]).toEqual(JSON.parse(JSON.stringify(body)).traits[trait]);
      expect(clean(changed).outcome).toBe('kept');
    }),
    { numRuns: 2_000 },
  );
});
