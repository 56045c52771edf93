// The second half of run.mjs: builds what has changed, then becomes the tool.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildWorkspace } from './build-workspace.ts';
import { workspace } from './preflight.mjs';

const [script, ...rest] = process.argv.slice(2);
if (script === undefined) throw new Error('Name the script to run.');
await buildWorkspace();
process.argv = [process.argv[0] as string, join(workspace, script), ...rest];
await import(pathToFileURL(join(workspace, script)).href);
