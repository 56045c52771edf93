import { hashKey } from '@tributary/service/secrets';
import type { Ending } from '@tributary/stream/stage';
import { SourceStore } from './sources/source-store.postgres.js';
import { aTrack, lastProfile, StageHarness, told } from './testing/stage-harness.js';

let h: StageHarness;
let workspace: string;

beforeAll(async () => {
  h = await StageHarness.open();
});

afterAll(() => h.close());

beforeEach(async () => {
  ({ workspace } = await h.renew());
});

describe('who it is', () => {
  test('somebody anonymous who says who they are stays the same profile', async () => {
    const stage = h.aStage();
    const before = lastProfile(await h.ingest(stage, [h.aRecord(aTrack({ userId: undefined, anonymousId: 'a' }))]));
    const endings = await h.ingest(stage, [h.aRecord(aTrack({ userId: 'u', anonymousId: 'a' }))]);
    expect(told(endings)).toEqual(['forward event']);
    expect(lastProfile(endings)).toBe(before);
    expect(lastProfile(await h.ingest(h.aStage(), [h.aRecord(aTrack({ userId: 'u' }))]))).toBe(before);
  });

  test('an event that ties two profiles merges them: the loser hears first, then the survivor, then the event comes', async () => {
    const stage = h.aStage();
    const known = lastProfile(await h.ingest(stage, [h.aRecord(aTrack({ userId: 'u' }))]));
    const anonymous = lastProfile(await h.ingest(stage, [h.aRecord(aTrack({ userId: undefined, anonymousId: 'a' }))]));
    const record = h.aRecord(aTrack({ userId: 'u', anonymousId: 'a' }));
    const decision = await stage.decide([record]);
    await h.commit(decision);
    const control = { workspace, type: '', name: '', messageId: `merge:${anonymous}`, timestampMs: record.timestampMs, appendedAtMs: record.timestampMs, source: 0, offset: record.offset, body: Buffer.alloc(0) };
    expect(decision.endings).toEqual([{
      ending: 'forward',
      entries: [
        { ...control, kind: 'merged', profileId: anonymous, other: known },
        { ...control, kind: 'merging', profileId: known, other: anonymous },
        expect.objectContaining({ kind: 'event', profileId: known }),
      ],
    }]);
    expect(decision.records).toHaveLength(1);
    expect(decision.records?.[0]).toMatchObject({ topic: 'profiles.merged', key: Buffer.from(anonymous) });
    expect(JSON.parse(String(decision.records?.[0]?.value))).toEqual({ workspace, loser: anonymous, survivor: known, mergedAt: new Date(record.timestampMs).toISOString() });
    expect(await h.meant('anonymousId', 'a')).toBe(known);
    const { rows } = await h.pool.query('select survivor_id from ingestion.profile_survivors where workspace = $1 and profile_id = $2', [workspace, anonymous]);
    expect(rows).toEqual([{ survivor_id: known }]);
  });

  test('a chain of merges ends at its root, in one batch or in several', async () => {
    const tie = (a: string, d: string) => h.aRecord(aTrack({ userId: undefined, anonymousId: a, context: { device: { id: d } } }));
    for (const cut of [[6], [1, 1, 1, 1, 1, 1], [3, 2, 1]]) {
      const name = `c${cut.length}`;
      const records = [tie(`${name}-1`, `${name}-1`), tie(`${name}-2`, `${name}-2`), tie(`${name}-3`, `${name}-3`), tie(`${name}-3`, `${name}-2`), tie(`${name}-2`, `${name}-1`), tie(`${name}-3`, `${name}-9`)];
      const stage = h.aStage();
      let endings: readonly Ending[] = [];
      for (const size of cut) endings = await h.ingest(stage, records.splice(0, size));
      const root = await h.meant('anonymousId', `${name}-1`);
      expect(lastProfile(endings)).toBe(root);
      for (const [type, n] of [['anonymousId', 2], ['anonymousId', 3], ['deviceId', 1], ['deviceId', 3], ['deviceId', 9]]) expect(await h.meant(String(type), `${name}-${n}`)).toBe(root);
    }
    const { rows } = await h.pool.query('select 1 from ingestion.profiles p join ingestion.profiles s on s.profile_id = p.survivor_id where s.survivor_id <> s.profile_id');
    expect(rows).toEqual([]);
  });

  test('an alias of a trusted source makes one person of two users', async () => {
    const stage = h.aStage();
    const older = lastProfile(await h.ingest(stage, [h.aRecord(aTrack({ userId: 'old' }))]));
    await h.ingest(stage, [h.aRecord(aTrack({ userId: 'new' }))]);
    const endings = await h.ingest(stage, [h.aRecord({ type: 'alias', previousId: 'old', userId: 'new' })]);
    expect(told(endings)).toEqual(['forward merged merging event']);
    expect([lastProfile(endings), await h.meant('userId', 'new')]).toEqual([older, older]);
  });

  test('a browser cannot take over an e-mail, and what it claimed is noted', async () => {
    const source = { workspace, key: 'browser', kind: 'http', trusted: false, sealedSecret: null, createdMs: 0, writeKeyHash: hashKey('wk_browser') };
    await new SourceStore(h.pool).add(source);
    const identify = (userId: string | undefined, anonymousId: string) => ({ type: 'identify', userId, anonymousId, traits: { email: 'a@b.example' } });
    const stage = h.aStage();
    const owner = lastProfile(await h.ingest(stage, [h.aRecord(identify('u', 'a'))]));
    const endings = await h.ingest(stage, [h.aRecord(identify(undefined, 'b'), { headers: { 'write-key': 'wk_browser' } })]);
    expect(told(endings)).toEqual(['forward event']);
    expect(lastProfile(endings)).not.toBe(owner);
    expect(await h.meant('email', 'a@b.example')).toBe(owner);
    const { rows } = await h.pool.query('select type, value, owner, claimant from ingestion.identity_conflicts where workspace = $1', [workspace]);
    expect(rows).toEqual([{ type: 'email', value: 'a@b.example', owner, claimant: lastProfile(endings) }]);
    // The same from a server ties.
    expect(told(await h.ingest(stage, [h.aRecord(identify(undefined, 'b'))]))).toEqual(['forward merged merging event']);
  });

  test('what one instance learnt another one finds, and what it cached of a loser goes to somebody', async () => {
    const [one, other] = [h.aStage(), h.aStage()];
    const anonymous = aTrack({ userId: undefined, anonymousId: 'a' });
    const loser = lastProfile(await h.ingest(other, [h.aRecord(anonymous)]));
    await h.ingest(one, [h.aRecord(aTrack({ userId: 'u' }))]);
    const survivor = lastProfile(await h.ingest(one, [h.aRecord(aTrack({ userId: 'u', anonymousId: 'a' }))]));
    // Scoring passes on what comes to a loser.
    expect(lastProfile(await h.ingest(other, [h.aRecord({ ...anonymous, messageId: 'late' })]))).toBe(loser);
    other.reset();
    expect(lastProfile(await h.ingest(other, [h.aRecord({ ...anonymous, messageId: 'later' })]))).toBe(survivor);
  });
});

describe('two instances that write about the same person at once', () => {
  const anonymous = (a: string) => aTrack({ userId: undefined, anonymousId: a });
  const tied = (a: string, d: string) => ({ ...anonymous(a), context: { device: { id: d } } });

  async function race(before: readonly object[], one: object, other: object): Promise<Ending[]> {
    const stages = [h.aStage(), h.aStage()] as const;
    for (const event of before) await h.ingest(stages[0], [h.aRecord(event)]);
    const [ofOne, ofOther] = [h.aRecord(one), h.aRecord(other)];
    const [first, second] = [await stages[0].decide([ofOne]), await stages[1].decide([ofOther])];
    await h.commit(first);
    await expect(h.commit(second)).rejects.toMatchObject({ code: '40001' });
    stages[1].reset();
    return [...first.endings, ...(await h.ingest(stages[1], [ofOther]))];
  }

  test('both make a profile for the same identifier: the second finds it', async () => {
    const [one, other] = await race([], anonymous('a'), tied('a', 'd'));
    expect(lastProfile([other as Ending])).toBe(lastProfile([one as Ending]));
  });

  test('both give the same new identifier to different profiles: the second merges instead', async () => {
    const endings = await race([anonymous('a'), anonymous('b')], tied('a', 'd'), tied('b', 'd'));
    expect(told(endings)).toEqual(['forward event', 'forward merged merging event']);
  });

  test('both give a userId to the same anonymous profile: the second is another person', async () => {
    const endings = await race([anonymous('a')], { ...anonymous('a'), userId: 'u1' }, { ...anonymous('a'), userId: 'u2' });
    expect(told(endings)).toEqual(['forward event', 'forward event']);
    expect(await h.meant('userId', 'u1')).not.toBe(await h.meant('userId', 'u2'));
  });

  test('one merges into a profile that the other merges away: the chain ends at the root', async () => {
    await race([tied('a', 'a'), tied('b', 'b'), tied('c', 'c')], tied('a', 'b'), tied('b', 'c'));
    const root = await h.meant('anonymousId', 'a');
    expect([await h.meant('anonymousId', 'b'), await h.meant('anonymousId', 'c')]).toEqual([root, root]);
    await race([tied('x', 'x'), tied('y', 'y'), tied('z', 'z')], tied('y', 'z'), tied('x', 'y'));
    expect([await h.meant('anonymousId', 'y'), await h.meant('anonymousId', 'z')]).toEqual([await h.meant('anonymousId', 'x'), await h.meant('anonymousId', 'x')]);
  });

  test('in truth at the same time, where the second waits for the first', async () => {
    const stages = [h.aStage(), h.aStage()] as const;
    for (const name of ['a', 'b', 'c']) await h.ingest(stages[0], [h.aRecord(tied(name, name))]);
    const decisions = [await stages[0].decide([h.aRecord(tied('a', 'b'))]), await stages[1].decide([h.aRecord(tied('b', 'c'))])];
    const outcomes = await Promise.allSettled(decisions.map((decision) => h.commit(decision)));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});

