import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
/** Nothing that the browser does by itself may reach for the network. */
const ARGS = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];

/** The Chromium or Chrome of this machine, or null. `CHROMIUM` names another one. */
export function findBrowser(): string | null {
  const named = process.env['CHROMIUM'];
  const places = (process.env['PATH'] ?? '').split(delimiter).flatMap((dir) => NAMES.map((name) => join(dir, name)));
  return [...(named ? [named] : []), ...places].find(isExecutable) ?? null;
}

export function openBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ARGS });
}

/** The pages, freshly built into a directory of their own. */
export async function buildPages(): Promise<{ dir: string; remove(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-pages-'));
  const vite = join(import.meta.dirname, '../../../../node_modules/vite/bin/vite.js');
  await promisify(execFile)(process.execPath, [vite, 'build', join(import.meta.dirname, '..'), '--outDir', dir, '--emptyOutDir', '--logLevel', 'error'], {
    env: { ...process.env, NODE_ENV: 'production' },
  });
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
