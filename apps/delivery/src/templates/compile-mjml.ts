import { Worker } from 'node:worker_threads';
import { Problem } from '@tributary/service/problem';
import { TemplateError } from './renderer.js';

const START_MS_MAX = 60_000;
const COMPILE_MS_MAX = 10_000;
const COMPILE_HEAP_MB_MAX = 256;
/** Documents that wait for their turn. */
const WAITING_MAX = 20;
/** MJML takes half a second and a hundred megabytes to load: the thread stays for the next save, but not for ever. */
const IDLE_MS_MAX = 60_000;

const THREAD = new URL(import.meta.url.endsWith('.ts') ? './mjml-thread.ts' : './mjml-thread.js', import.meta.url);

let waiting = 0;
let lastTurn: Promise<unknown> = Promise.resolve();
let thread: Worker | null = null;
let idle: NodeJS.Timeout | undefined;

/**
 * HTML of an MJML document, its template language untouched. One document at a time.
 * @throws TemplateError for what MJML does not understand, or includes, or what takes too long
 */
export async function compileMjml(source: string): Promise<string> {
  if (/<mj-include\b/i.test(source)) throw new TemplateError('mj-include is not available: a template stands alone');
  if (!/<mjml[\s>]/i.test(source)) throw new TemplateError('an MJML document begins with <mjml>');
  if (waiting >= WAITING_MAX) throw new Problem(429, 'too_many_requests', 'Too many templates are being saved at once; try again in a few seconds.', [], 5);
  waiting += 1;
  const turn = lastTurn.then(() => compileInThread(source));
  lastTurn = turn.catch(() => undefined);
  try {
    return await turn;
  } finally {
    waiting -= 1;
  }
}

interface ThreadAnswer {
  readonly html?: string;
  readonly errors?: readonly { readonly line: number; readonly message: string }[];
}

async function compileInThread(source: string): Promise<string> {
  clearTimeout(idle);
  if (thread === null) {
    thread = new Worker(THREAD, { resourceLimits: { maxOldGenerationSizeMb: COMPILE_HEAP_MB_MAX }, env: {} });
    thread.unref();
    await answerOf(thread, START_MS_MAX);
  }
  thread.postMessage(source);
  const { html, errors = [] } = await answerOf(thread, COMPILE_MS_MAX);
  idle = setTimeout(endMjmlThread, IDLE_MS_MAX).unref();
  if (html !== undefined) return html;
  throw new TemplateError(errors.map(({ line, message }) => (line > 0 ? `line ${line}: ${message}` : message))[0] ?? 'the document could not be compiled');
}

/** The next message of the thread; a thread that has none in time, or that fails, is ended. */
async function answerOf(worker: Worker, withinMs: number): Promise<ThreadAnswer> {
  const answer = await new Promise<ThreadAnswer | Error>((resolve) => {
    const timer = setTimeout(() => resolve(new TemplateError(`the document takes longer than ${withinMs / 1_000} seconds to compile`)), withinMs);
    const settle = (outcome: ThreadAnswer | Error): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    worker.removeAllListeners();
    worker.once('message', settle);
    worker.once('error', () => settle(new TemplateError('the document needs too much memory to compile')));
    worker.once('exit', () => settle(new TemplateError('the document could not be compiled')));
  });
  if (!(answer instanceof Error)) return answer;
  endMjmlThread();
  throw answer;
}

/** Ends the thread now; the next document starts another. */
export function endMjmlThread(): void {
  const ended = thread;
  thread = null;
  ended?.removeAllListeners();
  ended?.on('error', () => undefined);
  void ended?.terminate();
}
