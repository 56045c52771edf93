import 'reflect-metadata';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADMIN_KEY, RunningApi } from './testing/create-api.js';

// Real servers, on a machine that may be busy.
jest.setTimeout(90_000);

const TOOL = join(import.meta.dirname, '../../../tools/segments.ts');
const VIP = 'key: vip\nname: VIP\nrule:\n  trait: plan\n  op: equals\n  value: pro\n';
const OUTER = 'key: a-outer\nname: Outer\nrule:\n  not:\n    segment: vip\n';

let api: RunningApi;
let dir: string;

beforeAll(async () => {
  api = await RunningApi.start();
  dir = await mkdtemp(join(tmpdir(), 'segments-'));
});

afterAll(async () => {
  await api.stop();
  await rm(dir, { recursive: true });
});

function run(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { ...process.env, NODE_OPTIONS: '', TRIBUTARY_URL: api.url, TRIBUTARY_ADMIN_KEY: ADMIN_KEY };
  return new Promise((resolve) => execFile(process.execPath, [TOOL, ...args], { env }, (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err })));
}

async function file(name: string, content: string): Promise<string> {
  await writeFile(join(dir, name), content);
  return join(dir, name);
}

const keys = async (): Promise<string[]> => (await api.request('GET', '/v1/segments')).body.segments.map(({ key }: { key: string }) => key);

test('a dry run shows what would happen and does nothing', async () => {
  const { code, out } = await run('apply', await file('vip.yaml', VIP), '--dry-run');
  expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('create vip') });
  expect(out).toContain('+   value: pro');
  expect(await keys()).toEqual([]);
});

test('files are applied in any order of who names whom', async () => {
  const { code, out } = await run('apply', await file('a.yaml', OUTER), await file('vip.yaml', VIP));
  expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('2 of 2 done.') });
  expect(await keys()).toEqual(['a-outer', 'vip']);
});

test('what is there already is left alone, and an edit shows the lines that differ', async () => {
  expect((await run('apply', await file('vip.yaml', VIP))).out).toContain('Nothing to do');
  const { out } = await run('apply', await file('vip.yaml', VIP.replace('pro', 'max')));
  expect(out).toContain('replace vip');
  expect(out).toContain('-   value: pro');
  expect(out).toContain('+   value: max');
  expect((await api.request('GET', '/v1/segments/vip')).body).toMatchObject({ version: 2, rule: { value: 'max' } });
});

test('a refused segment is named with what is wrong in it', async () => {
  const { code, err } = await run('apply', await file('bad.yaml', 'key: bad\nname: Bad\nrule:\n  performed: X\n  within: 0d\n'));
  expect(code).toBe(1);
  expect(err).toContain('create bad was refused');
  expect(err).toContain('/rule/within');
});

test('pruning deletes what no file has, also where one names the other', async () => {
  const { code, out } = await run('apply', await file('new.yaml', 'key: new\nname: New\nrule:\n  performed: X\n'), '--prune');
  expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('delete vip') });
  expect(await keys()).toEqual(['new']);
});

test('what is exported can be applied and changes nothing', async () => {
  const { out } = await run('export');
  expect((await run('apply', await file('all.yaml', out), '--prune')).out).toContain('Nothing to do');
});

test('a file that is no segment is refused before anything is done', async () => {
  expect(await run('apply', await file('wrong.yaml', 'key: x\n'))).toMatchObject({ code: 1, err: expect.stringContaining('needs key, name and rule') });
});
