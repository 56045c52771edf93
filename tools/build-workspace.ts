// Builds every package with Nx; what has not changed comes from its cache.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { workspace } from './preflight.mjs';

/** Rejects with the output of the build when a package does not build. */
export function buildWorkspace(signal?: AbortSignal): Promise<void> {
  const nx = join(workspace, 'node_modules', '.bin', 'nx');
  return new Promise((resolve, reject) => {
    const output: Buffer[] = [];
    const child = spawn(process.execPath, [nx, 'run-many', '-t', 'build', '--output-style=static'], {
      cwd: workspace,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NX_TUI: 'false' },
      signal,
    });
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`The build failed:\n${Buffer.concat(output).toString()}`));
    });
  });
}
