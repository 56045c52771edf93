// The part of `npm start` that runs under the workspace's Node: start the stack and keep it alive until Ctrl-C, or,
// with --detach, leave a supervisor in the background that does so until `npm stop`.
import { fork, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildWorkspace } from './build-workspace.ts';
import { credentialsFile } from './credentials.ts';
import type { Layout } from './layout.ts';
import { localDir, resetLocal, runningSupervisor, stopLocal, supervisorPidFile } from './local-state.ts';
import { forgetProcess, recordProcess } from './process-identity.ts';
import { workspace } from './preflight.mjs';
import { startStack, type Stack } from './stack.ts';
import { welcome } from './welcome.ts';

const { values: flags } = parseArgs({
  options: {
    detach: { type: 'boolean', default: false },
    reset: { type: 'boolean', default: false },
    'no-demo': { type: 'boolean', default: false },
    layout: { type: 'string', default: 'services' },
    // What --detach starts in the background; not for people.
    background: { type: 'boolean', default: false },
  },
});

type Message = { readonly say: string } | { readonly ready: true };

// Whoever reads this output may leave before it ends.
process.stdout.on('error', () => {});

try {
  if (!['services', 'compact'].includes(flags.layout)) throw new Error(`--layout is services or compact, not ${flags.layout}.`);
  if (flags.reset) await reset();
  const running = runningSupervisor();
  if (running !== undefined) {
    throw new Error(`Tributary is already running here (process ${running}): npm stop stops it, npm start -- --reset begins anew.`);
  }
  if (flags.detach) await startInBackground();
  else await startAndStay();
} catch (error) {
  say(`\n${(error as Error).message}`);
  process.exit(1);
}

async function reset(): Promise<void> {
  const stopped = await stopLocal();
  if (stopped.length > 0) say(`Stopped ${stopped.join(', ')}.`);
  resetLocal();
  say('Removed the local state.');
}

async function startAndStay(): Promise<void> {
  const aborting = new AbortController();
  let stack: Stack | undefined;
  let demo: ReturnType<typeof spawn> | undefined;
  const stop = async () => {
    // npm sends the signal once more, and an impatient person does, too.
    if (aborting.signal.aborted) return;
    aborting.abort();
    say('\nStopping…');
    demo?.kill('SIGTERM');
    if (!stack) return; // startStack stops what it has started, and rejects
    await stack.stop();
    forgetProcess(supervisorPidFile);
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop());
  mkdirSync(localDir, { recursive: true });
  recordProcess(supervisorPidFile, process.pid);
  try {
    stack = await startStack({
      dir: localDir,
      layout: flags.layout as Layout,
      build: async () => {
        say('  building…');
        await buildWorkspace(aborting.signal);
        say('  built');
      },
      report: (sentence) => say(`  ${sentence}`),
      signal: aborting.signal,
    });
    if (!flags['no-demo']) await runDemo(stack.env, (child) => (demo = child));
    if (!aborting.signal.aborted) say(welcome(stack, { isDetached: flags.background }));
    tell({ ready: true });
  } catch (error) {
    await stack?.stop();
    forgetProcess(supervisorPidFile);
    if (aborting.signal.aborted) process.exit(0);
    throw error;
  }
}

async function runDemo(env: Readonly<Record<string, string>>, onChild: (child: ReturnType<typeof spawn>) => void): Promise<void> {
  const script = join(workspace, 'tools', 'demo.ts');
  if (!existsSync(script)) return;
  say('  loading the demo…');
  const child = spawn(process.execPath, [script], {
    cwd: workspace,
    env: { ...env, TRIBUTARY_CREDENTIALS: credentialsFile(localDir) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onChild(child);
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => say(text.trimEnd()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  // The product runs without it; a demo that fails must not take it down.
  if (code !== 0) say(`  the demo ended with code ${code}; everything else is running`);
}

/** The background process says over IPC how far it is, until it is ready; from then on it is on its own. */
async function startInBackground(): Promise<void> {
  mkdirSync(join(localDir, 'logs'), { recursive: true });
  const log = openSync(join(localDir, 'logs', 'supervisor.log'), 'a');
  const args = ['--background', '--layout', flags.layout, ...(flags['no-demo'] ? ['--no-demo'] : [])];
  const child = fork(import.meta.filename, args, { cwd: workspace, detached: true, stdio: ['ignore', log, log, 'ipc'] });
  // Ctrl-C before it is ready means: not at all.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill('SIGTERM'));
  const isReady = await new Promise<boolean>((resolve) => {
    child.on('message', (message: Message) => ('say' in message ? say(message.say) : resolve(true)));
    child.once('exit', () => resolve(false));
  });
  if (!isReady) process.exit(1);
  child.disconnect();
  child.unref();
  process.exit(0);
}

function say(text: string): void {
  console.log(text);
  tell({ say: text });
}

function tell(message: Message): void {
  if (process.connected) process.send?.(message);
}
