import { aUser, identify, System, track } from './system.ts';

jest.setTimeout(180_000);

let system: System;

beforeAll(async () => {
  system = await System.start();
  await system.call('segmentation', 'POST', '/v1/lists', { key: 'vips', name: 'VIPs' });
  await system.defineSegment('listed', { rule: { list: 'vips' } });
  await system.defineSegment('mailable', { rule: { consent: 'email_marketing', is: 'granted' } });
});

afterAll(async () => {
  await system?.stop();
});

const put = (members: object) => system.call('segmentation', 'PUT', '/v1/lists/vips/members', members);
const isListed = async (user: string) => (await system.segmentsOf(`userId:${user}`)).includes('listed');

async function known(): Promise<string> {
  const user = aUser();
  await system.publish([identify(user, { plan: 'pro' })]);
  await system.until('the profile', async () => (await system.call('scoring', 'GET', `/v1/profiles/userId:${user}`)).status === 200);
  return user;
}

it('a list puts people into segments and takes them out, through the log', async () => {
  const [one, two] = [await known(), await known()];
  expect(await put({ add: [`userId:${one}`, `userId:${two}`, 'userId:nobody'] })).toMatchObject({ status: 200, body: { added: 2, unknown: ['userId:nobody'] } });
  await system.until('both in', async () => (await isListed(one)) && (await isListed(two)));
  await put({ remove: [`userId:${one}`] });
  await system.until('one out', async () => !(await isListed(one)));
  expect(await system.until('the changes', async () => {
    const changes = await system.changesOf(`userId:${one}`, 'listed');
    return changes.length === 2 && changes.map(({ change, cause }) => `${change} ${cause}`);
  })).toEqual(['entered event', 'left event']);
  expect((await system.call('segmentation', 'GET', '/v1/lists/vips')).body).toMatchObject({ count: 1 });
  expect((await system.call('segmentation', 'POST', '/v1/segments/preview', { rule: { list: 'vips' } })).body).toMatchObject({ count: 1 });
});

it('nobody gets onto a list by sending its event', async () => {
  const user = await known();
  await system.publish([track(user, 'List Membership Changed', { properties: { list: 'vips', member: true, signature: 'guessed' } })]);
  await system.quiet();
  expect(await isListed(user)).toBe(false);
});

it('after a merge the survivor is on the lists of both, in both forms of the rule', async () => {
  const [first, second] = [await known(), aUser()];
  await system.publish([{ ...track(second, 'Looked'), userId: undefined, anonymousId: second }]);
  await system.until('the second profile', async () => (await system.call('scoring', 'GET', `/v1/profiles/anonymousId:${second}`)).status === 200);
  await put({ add: [`anonymousId:${second}`] });
  await system.until('the second in', async () => (await system.segmentsOf(`anonymousId:${second}`)).includes('listed'));
  const before = (await system.call('segmentation', 'POST', '/v1/segments/preview', { rule: { list: 'vips' } })).body['count'];
  await system.publish([identify(first, {}, { anonymousId: second })]);
  await system.until('the survivor in', async () => (await isListed(first)) && (await system.segmentsOf(`anonymousId:${second}`)).includes('listed'));
  await system.quiet();
  expect((await system.call('segmentation', 'POST', '/v1/segments/preview', { rule: { list: 'vips' } })).body['count']).toBe(before);
  await put({ remove: [`userId:${first}`] });
  await system.until('the survivor out', async () => !(await isListed(first)));
  expect((await system.call('segmentation', 'POST', '/v1/segments/preview', { rule: { list: 'vips' } })).body['count']).toBe((before as unknown as number) - 1);
});

it('a purpose that becomes opt-out lets everybody in who has not withdrawn, within seconds', async () => {
  const user = await known();
  await system.quiet();
  expect(await system.segmentsOf(`userId:${user}`)).not.toContain('mailable');
  await system.call('consent', 'PUT', '/v1/purposes/email_marketing', { policy: 'opt-out' });
  const changes = await system.until('the change', async () => {
    const found = await system.changesOf(`userId:${user}`, 'mailable');
    return found.length > 0 && found;
  });
  expect(changes).toMatchObject([{ change: 'entered', cause: 'definition' }]);
});
