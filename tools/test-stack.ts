// A whole stack for one flow test: free ports, data that is thrown away, nothing left after `stop`.
import { startStack, type Stack, type StackOptions } from './stack.ts';
import { makeTestDir, removeTestDir } from './test-dir.ts';

export interface TestStack extends Stack {
  /** State of the stack; logs are in `<dir>/logs`. */
  readonly dir: string;
}

/** Nothing has to survive a power failure: a killed server still finds what it wrote. */
export const THROWAWAY_POSTGRES = { shared_buffers: '128MB', fsync: 'off', full_page_writes: 'off' } as const;

/** TEST_KEEP=1 keeps the directory, to read the logs of a failed test. */
export async function startTestStack(options: Partial<Omit<StackOptions, 'ports'>> = {}): Promise<TestStack> {
  const dir = options.dir ?? makeTestDir();
  const stack = await startStack({ postgresSettings: THROWAWAY_POSTGRES, ...options, dir, ports: 'free' });
  return {
    ...stack,
    dir,
    async stop() {
      await stack.stop();
      if (process.env.TEST_KEEP === '1') console.info(`Kept ${dir}`);
      else removeTestDir(dir);
    },
  };
}
