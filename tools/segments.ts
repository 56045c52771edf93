// Segments as files, for those who keep them in git:
//   npm run segments -- apply segments/*.yaml [--dry-run] [--prune]
//   npm run segments -- export [> segments/all.yaml]
// A file holds one segment, a list of them, or {segments: […]}, as POST /v1/segments takes them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { workspace } from './preflight.mjs';

interface Segment {
  readonly key: string;
  readonly name: string;
  readonly description?: string;
  readonly status?: 'live' | 'paused';
  readonly rule: unknown;
  readonly stay?: unknown;
}

interface Problem {
  readonly detail?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

type Step =
  | { readonly is: 'create' | 'replace'; readonly key: string; readonly segment: Segment; readonly diff: readonly string[] }
  | { readonly is: 'delete'; readonly key: string };

const FIELDS = ['key', 'name', 'description', 'status', 'rule', 'stay'] as const;
const REQUEST_MS_MAX = 30_000;

const { values: options, positionals } = parseArgs({ allowPositionals: true, options: { 'dry-run': { type: 'boolean', default: false }, prune: { type: 'boolean', default: false } } });
const [command, ...files] = positionals;
try {
  if (command === 'export' && files.length === 0) process.stdout.write(stringify({ segments: await readServer() }));
  else if (command === 'apply' && files.length > 0) process.exitCode = await apply(files);
  else {
    console.error('npm run segments -- apply <files…> [--dry-run] [--prune]\nnpm run segments -- export');
    process.exitCode = 2;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function apply(names: readonly string[]): Promise<number> {
  const wanted = readFiles(names);
  const steps = planSteps(wanted, await readServer(), options.prune);
  for (const step of steps) {
    console.log(`${step.is} ${step.key}`);
    if (step.is !== 'delete') for (const line of step.diff) console.log(`  ${line}`);
  }
  if (steps.length === 0) console.log(`Nothing to do: ${wanted.length} segments are as the files say.`);
  if (options['dry-run'] || steps.length === 0) return 0;
  const failed = await takeSteps(steps);
  for (const { step, problem } of failed) {
    console.error(`${step.is} ${step.key} was refused: ${problem.detail ?? 'no reason given'}`);
    for (const { pointer, detail } of problem.errors ?? []) console.error(`  ${pointer}: ${detail}`);
  }
  console.log(`${steps.length - failed.length} of ${steps.length} done.`);
  return failed.length === 0 ? 0 : 1;
}

/** Creations and edits in the order of the files, then deletions. */
function planSteps(wanted: readonly Segment[], standing: readonly Segment[], prune: boolean): Step[] {
  const byKey = new Map(standing.map((segment) => [segment.key, segment]));
  const steps = wanted.flatMap((segment): Step[] => {
    const before = byKey.get(segment.key);
    const diff = diffOf(before, segment);
    return diff.length === 0 ? [] : [{ is: before === undefined ? 'create' : 'replace', key: segment.key, segment, diff }];
  });
  const keys = new Set(wanted.map(({ key }) => key));
  return prune ? [...steps, ...standing.filter(({ key }) => !keys.has(key)).map(({ key }): Step => ({ is: 'delete', key }))] : steps;
}

/** A segment may name another one that comes later: what was refused is tried again as long as anything else succeeds. */
async function takeSteps(steps: readonly Step[]): Promise<{ step: Step; problem: Problem }[]> {
  for (let open = steps; ; ) {
    const failed: { step: Step; problem: Problem }[] = [];
    for (const step of open) {
      const problem = await take(step);
      if (problem !== null) failed.push({ step, problem });
    }
    if (failed.length === 0 || failed.length === open.length) return failed;
    open = failed.map(({ step }) => step);
  }
}

async function take(step: Step): Promise<Problem | null> {
  const path = step.is === 'create' ? '/v1/segments' : `/v1/segments/${step.key}`;
  const { status, body } = await call(step.is === 'create' ? 'POST' : step.is === 'replace' ? 'PUT' : 'DELETE', path, step.is === 'delete' ? undefined : step.segment);
  return status < 300 ? null : (body as Problem);
}

function readFiles(names: readonly string[]): Segment[] {
  const segments = names.flatMap((name) => parseAllDocuments(readFileSync(name, 'utf8')).flatMap((document) => {
    const [error] = document.errors ?? [];
    if (error !== undefined) throw new Error(`${name}: ${error.message}`);
    const content = document.toJS() as unknown;
    const list = Array.isArray(content) ? content : isObject(content) && Array.isArray(content['segments']) ? content['segments'] : [content];
    return list.map((one) => checked(one, name));
  }));
  const twice = segments.find(({ key }, index) => segments.findIndex((other) => other.key === key) < index);
  if (twice !== undefined) throw new Error(`Segment "${twice.key}" is in the files twice.`);
  return segments;
}

function checked(segment: unknown, name: string): Segment {
  if (!isObject(segment) || typeof segment['key'] !== 'string' || typeof segment['name'] !== 'string' || segment['rule'] === undefined) {
    throw new Error(`${name}: a segment needs key, name and rule.`);
  }
  const unknown = Object.keys(segment).filter((field) => !(FIELDS as readonly string[]).includes(field));
  if (unknown.length > 0) throw new Error(`${name}: segment "${segment['key']}" has unknown fields: ${unknown.join(', ')}.`);
  // What a file leaves out is what a new segment would have, so that applying a file twice gives the same.
  return { description: '', status: 'live', ...segment } as unknown as Segment;
}

async function readServer(): Promise<Segment[]> {
  const found: Segment[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { status, body } = await call('GET', `/v1/segments?limit=1000${cursor === '' ? '' : `&cursor=${cursor}`}`);
    if (status !== 200) throw new Error(`The segments cannot be read: ${(body as Problem).detail ?? status}`);
    const page = body as { readonly segments: readonly Segment[]; readonly cursor: string | null };
    for (const { key, name, description, status: state, rule, stay } of page.segments) {
      found.push({ key, name, description: description ?? '', status: state === 'paused' ? 'paused' : 'live', rule, ...(stay === undefined ? {} : { stay }) });
    }
    cursor = page.cursor;
  }
  return found;
}

/** The lines that go and come, field by field. */
function diffOf(before: Segment | undefined, after: Segment): string[] {
  return FIELDS.flatMap((field) => {
    const [old, next] = [before?.[field], after[field]];
    if (isDeepStrictEqual(old, next)) return [];
    return diffLines(old === undefined ? [] : linesOf(field, old), next === undefined ? [] : linesOf(field, next));
  });
}

function linesOf(field: string, value: unknown): string[] {
  return stringify({ [field]: value }).trimEnd().split('\n');
}

/** The longest common subsequence stays. */
function diffLines(old: readonly string[], next: readonly string[]): string[] {
  const lengths = Array.from({ length: old.length + 1 }, () => new Array<number>(next.length + 1).fill(0));
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = next.length - 1; j >= 0; j--) {
      lengths[i]![j] = old[i] === next[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  const lines: string[] = [];
  for (let i = 0, j = 0; i < old.length || j < next.length; ) {
    if (i < old.length && j < next.length && old[i] === next[j]) {
      lines.push(`  ${old[i++]}`);
      j++;
    } else if (j >= next.length || (i < old.length && lengths[i + 1]![j]! >= lengths[i]![j + 1]!)) lines.push(`- ${old[i++]}`);
    else lines.push(`+ ${next[j++]}`);
  }
  return lines;
}

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${baseUrl()}${path}`, {
    method,
    headers: { authorization: `Bearer ${adminKey()}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    signal: AbortSignal.timeout(REQUEST_MS_MAX),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    throw new Error(`Segmentation does not answer at ${baseUrl()}. Start it with npm start, or set TRIBUTARY_URL.`, { cause: error });
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
}

function baseUrl(): string {
  return process.env['TRIBUTARY_URL']?.replace(/\/$/, '') ?? `http://127.0.0.1:${process.env['SEGMENTATION_PORT'] ?? 3005}`;
}

function adminKey(): string {
  const fromEnv = process.env['TRIBUTARY_ADMIN_KEY'];
  if (fromEnv !== undefined) return fromEnv;
  const file = join(workspace, '.local', 'credentials.json');
  if (!existsSync(file)) throw new Error('Set TRIBUTARY_ADMIN_KEY, or start the product once, which makes .local/credentials.json.');
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly adminKey: string }).adminKey;
}

function isObject(value: unknown): value is { readonly [field: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
