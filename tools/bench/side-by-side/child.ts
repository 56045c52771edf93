// A process of a contestant that is not part of the product: started, ready when it says so, ended by its pid.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

const READY_WITHIN_MS = 60_000;
const GRACE_MS = 10_000;

export interface Child {
  readonly name: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface ChildPlan {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly logFile: string;
}

/** Resolves at the line "ready" of its output. */
export async function startChild({ name, command, args, env, logFile }: ChildPlan): Promise<Child> {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = createWriteStream(logFile, { flags: 'a' });
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const impatience = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    await ended;
    clearTimeout(impatience);
    log.end();
  };
  child.stderr.on('data', (chunk: Buffer) => void log.write(chunk));
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${name} was not ready after ${READY_WITHIN_MS} ms: see ${logFile}`)), READY_WITHIN_MS);
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        act();
      };
      child.once('error', (error) => settle(() => reject(error)));
      child.once('exit', (code) => settle(() => reject(new Error(`${name} ended with ${code}: see ${logFile}`))));
      child.stdout.on('data', (chunk: Buffer) => {
        log.write(chunk);
        if (chunk.toString().includes('ready')) settle(resolve);
      });
    });
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return { name, pid: child.pid as number, stop };
}
