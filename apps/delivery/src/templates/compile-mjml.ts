import { Worker } from 'node:worker_threads';
import { Problem } from '@tributary/service/problem';
import { TemplateError } from './renderer.js';

const COMPILE_MS_MAX = 10_000;
const COMPILE_HEAP_MB_MAX = 256;
/** Threads at the same time; who comes later waits, and of those no more than this. */
const COMPILING_MAX = 2;
const WAITING_MAX = 20;

const THREAD = new URL(import.meta.url.endsWith('.ts') ? './mjml-thread.ts' : './mjml-thread.js', import.meta.url);

let compiling = 0;
const waiting: (() => void)[] = [];

/**
 * HTML of an MJML document, its template language untouched. Takes half a second, once for each save.
 * @throws TemplateError for what MJML does not understand, or includes, or what takes too long
 */
export async function compileMjml(source: string): Promise<string> {
  if (/<mj-include\b/i.test(source)) throw new TemplateError('mj-include is not available: a template stands alone');
  if (!/<mjml[\s>]/i.test(source)) throw new TemplateError('an MJML document begins with <mjml>');
  await takeTurn();
  try {
    return await runThread(source);
  } finally {
    compiling -= 1;
    waiting.shift()?.();
  }
}

async function takeTurn(): Promise<void> {
  if (compiling >= COMPILING_MAX) {
    if (waiting.length >= WAITING_MAX) throw new Problem(429, 'too_many_requests', 'Too many templates are being saved at once; try again in a few seconds.', [], 5);
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
  compiling += 1;
}

async function runThread(source: string): Promise<string> {
  const worker = new Worker(THREAD, { workerData: source, resourceLimits: { maxOldGenerationSizeMb: COMPILE_HEAP_MB_MAX }, env: {} });
  const result = await new Promise<{ html?: string; errors?: { line: number; message: string }[] }>((resolve) => {
    const fail = (message: string): void => resolve({ errors: [{ line: 0, message }] });
    const timer = setTimeout(() => fail(`the document takes longer than ${COMPILE_MS_MAX / 1_000} seconds to compile`), COMPILE_MS_MAX);
    worker.once('message', resolve).once('error', (error) => fail(error.message));
    worker.once('exit', () => {
      clearTimeout(timer);
      fail('the document could not be compiled');
    });
  });
  await worker.terminate();
  if (result.html !== undefined) return result.html;
  const [first] = result.errors ?? [];
  throw new TemplateError(first === undefined ? 'the document could not be compiled' : first.line > 0 ? `line ${first.line}: ${first.message}` : first.message);
}
