// The templates that delivery comes with, as its API takes them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspace as root } from '../preflight.mjs';

const FOLDER = join(root, 'apps', 'delivery', 'templates');

export function readTemplates(): object[] {
  const listed = JSON.parse(readFileSync(join(FOLDER, 'templates.json'), 'utf8')) as { readonly file: string }[];
  return listed.map(({ file, ...template }) => ({ ...template, body: readFileSync(join(FOLDER, file), 'utf8') }));
}
