import { createContext, Script } from 'node:vm';

/** Rendering takes a millisecond, on a machine that has other things to do perhaps a hundred; what takes this long is a bomb. */
export const RENDER_MS_MAX = 1_000;

const context = createContext({ work: () => undefined as unknown });
const script = new Script('work()');

/**
 * Runs synchronous work and stops it when it takes too long, wherever it is: a loop in a template can name no helper
 * that would look at a clock. The work runs in this process and is trusted otherwise.
 * @throws Error (ERR_SCRIPT_EXECUTION_TIMEOUT), or what the work throws
 */
export function runBounded<Result>(work: () => Result): Result {
  context['work'] = work;
  try {
    return script.runInContext(context, { timeout: RENDER_MS_MAX }) as Result;
  } finally {
    context['work'] = undefined;
  }
}
