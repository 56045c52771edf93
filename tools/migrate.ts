// Brings roles, schemas and topics to the state that this version needs.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const SCRIPT = 'apps/compact/dist/migrate.js';
const LOG_LINES_SHOWN = 20;

export interface MigrateOptions {
  /** The workspace whose build is run. */
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly report: (sentence: string) => void;
  readonly signal?: AbortSignal;
}

/** Rejects with the end of its log when a migration fails. */
export async function migrate({ root, env, logFile, report, signal }: MigrateOptions): Promise<void> {
  const script = join(root, SCRIPT);
  if (!existsSync(script)) throw new Error(`${SCRIPT} is missing: build the workspace first (npm run build).`);
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'w');
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(process.execPath, [script], { cwd: root, env, stdio: ['ignore', log, log], signal });
    child.once('error', reject);
    child.once('exit', resolve);
  }).finally(() => closeSync(log));
  if (code !== 0) {
    const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN);
    throw new Error(`Migration failed.\n${lines.join('\n')}`);
  }
  report('schemas and topics are up to date');
}
