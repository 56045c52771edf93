import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stopOrphans } from './orphans.ts';
import { processesUnder } from './process-identity.ts';
import { startStack, type Stack, type StackOptions } from './stack.ts';

// Stand-ins for the services: the stack is tested here, not what it runs.
const SERVICE = `
  import { createServer } from 'node:http';
  const port = Number(process.env[process.argv[1].match(/apps\\/(\\w+)/)[1].toUpperCase() + '_PORT']);
  if (process.env.BROKEN) { console.error('cannot work: ' + process.env.BROKEN); process.exit(1); }
  createServer((request, response) => {
    if (request.url === '/v1/workspaces') {
      response.statusCode = request.headers.authorization === 'Bearer ' + process.env.OPERATOR_KEY ? 201 : 401;
      return response.end(JSON.stringify({ workspace: 'w', writeKey: 'wk', adminKey: 'ak' }));
    }
    response.end(JSON.stringify({ pid: process.pid }));
  }).listen(port, '127.0.0.1');
  process.on('SIGTERM', () => process.exit(0));
`;
const SERVERS = { KAFKA_BROKERS: '127.0.0.1:1', DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', SMTP_URL: 'smtp://127.0.0.1:1' };

const root = mkdtempSync(join(tmpdir(), 'tributary-stack-'));
const stacks: Stack[] = [];

async function startFake(overrides: Partial<StackOptions> = {}): Promise<Stack> {
  const dir = mkdtempSync(join(root, 'state-'));
  const stack = await startStack({ dir, root, ports: 'free', services: ['ingestion', 'consent'], env: SERVERS, ...overrides });
  stacks.push(stack);
  return stack;
}

beforeAll(() => {
  const scripts = { 'apps/ingestion/dist/main.js': SERVICE, 'apps/consent/dist/main.js': SERVICE, 'apps/compact/dist/migrate.js': '' };
  for (const [script, source] of Object.entries(scripts)) {
    mkdirSync(dirname(join(root, script)), { recursive: true });
    writeFileSync(join(root, script), source);
  }
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
});

afterAll(async () => {
  await Promise.all(stacks.map((stack) => stack.stop()));
  expect(processesUnder(root)).toEqual([]);
  rmSync(root, { recursive: true, force: true });
});

async function pidAnswering(url: string): Promise<number> {
  return ((await (await fetch(url)).json()) as { pid: number }).pid;
}

describe('a stack', () => {
  test('a killed service comes back within ten seconds, another process at the same address', async () => {
    const stack = await startFake();
    const before = await pidAnswering(stack.urls.consent!);
    const killedAt = Date.now();
    stack.process('consent').kill('SIGKILL');
    while (stack.process('consent').pid === before) await new Promise((resolve) => setTimeout(resolve, 5));
    await stack.whenReady('consent');
    expect(Date.now() - killedAt).toBeLessThan(10_000);
    expect(await pidAnswering(stack.urls.consent!)).not.toBe(before);
  });

  test('a paused service is the same process when it is resumed', async () => {
    const stack = await startFake({ services: ['consent'] });
    const before = stack.process('consent').pid;
    stack.process('consent').pause();
    await expect(stack.process('consent').whenReady(300)).rejects.toThrow('not ready within');
    stack.process('consent').resume();
    await stack.whenReady();
    expect(stack.process('consent').pid).toBe(before);
  });

  test('keys are made once, for the owner alone, and kept for the next start', async () => {
    const dir = mkdtempSync(join(root, 'state-'));
    const first = await startFake({ dir });
    await first.stop();
    const second = await startFake({ dir });
    expect(second.credentials).toEqual(first.credentials);
    expect(second.credentials).toMatchObject({ workspace: 'w', writeKey: 'wk', adminKey: 'ak' });
    expect(statSync(join(dir, 'credentials.json')).mode & 0o777).toBe(0o600);
  });

  test('a service that cannot start fails the start with the end of its log, and leaves nothing running', async () => {
    const dir = mkdtempSync(join(root, 'state-'));
    await expect(startFake({ dir, env: { ...SERVERS, BROKEN: 'no reason at all' } })).rejects.toThrow('no reason at all');
    expect(await stopOrphans(dir)).toEqual([]);
  });

  test('an aborted start leaves nothing running', async () => {
    const dir = mkdtempSync(join(root, 'state-'));
    const aborting = new AbortController();
    const report = (sentence: string) => sentence.includes('up to date') && setTimeout(() => aborting.abort(), 20);
    await expect(startFake({ dir, report, signal: aborting.signal })).rejects.toThrow('stopped');
    expect(await stopOrphans(dir)).toEqual([]);
  });

  test('a start stops what a killed supervisor left behind', async () => {
    const dir = mkdtempSync(join(root, 'state-'));
    const orphaned = await startFake({ dir, restart: false });
    const pid = orphaned.process('consent').pid;
    const second = await startFake({ dir });
    expect(await pidAnswering(second.urls.consent!)).not.toBe(pid);
    expect(orphaned.process('consent').pid).toBeUndefined();
    expect(Number(readFileSync(join(dir, 'pids', 'consent.pid'), 'utf8'))).toBe(second.process('consent').pid);
  });

  test('a taken port stops the start and names the port, its variable and the holder', async () => {
    const holder = createServer();
    const port = await new Promise<number>((resolve) => holder.listen(0, '127.0.0.1', () => resolve((holder.address() as { port: number }).port)));
    const start = startFake({ ports: { CONSENT_PORT: port } });
    await expect(start).rejects.toThrow(new RegExp(`Port ${port} is taken by process ${process.pid} .*CONSENT_PORT`));
    holder.close();
  });
});
