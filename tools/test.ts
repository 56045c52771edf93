// Runs jest: first what lies beside the code, on both cores, then the flows, one at a time, on six processes and, when
// no path is given, on two as well. TEST_LAYOUT=compact runs named flows on two. What is not an option of this file
// goes to jest.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildWorkspace } from './build-workspace.ts';
import { workspace } from './preflight.mjs';

interface JestNumbers {
  numPassedTests: number;
  numFailedTests: number;
  numFailedTestSuites: number;
  numRuntimeErrorTestSuites: number;
}

const resultsDir = join(workspace, '.local', 'test-results');
// `--summary` leaves the numbers of the run in a file, as `<passed> <failed>`; see .ci/run.
const isSummaryWanted = process.argv.includes('--summary');
const jestArgs = process.argv.slice(2).filter((arg) => arg !== '--summary');
const paths = jestArgs.filter((arg, i) => !arg.startsWith('-') && !/^(-t|--testNamePattern|-w|--maxWorkers|-c)$/.test(jestArgs[i - 1] ?? ''));
// A path that names nothing but e2e, or nothing of it, leaves the other project out, and with it its preparation.
const runsUnit = paths.length === 0 || !paths.every((path) => path.replace(/^\.\//, '').startsWith('e2e'));
const runsFlow = paths.length === 0 || !paths.every((path) => /^(\.\/)?(apps|libs|tools)(\/|$)/.test(path));

rmSync(resultsDir, { recursive: true, force: true });
mkdirSync(resultsDir, { recursive: true });

/** A jest run, which leaves its numbers under its name. */
interface Run {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const FLOW: Run = { name: 'flow', args: ['--selectProjects', 'flow', '--runInBand'] };
/** The oracle and whatever else starts no stack would only be repeated. */
const COMPACT_FLOW: Run = { name: 'flow-compact', args: [...FLOW.args, 'e2e/flow'], env: { TEST_LAYOUT: 'compact' } };

const unitRuns: Run[] = runsUnit ? [{ name: 'unit', args: ['--selectProjects', 'unit'] }] : [];
const flowRuns: Run[] = !runsFlow ? [] : paths.length === 0 && process.env.TEST_LAYOUT === undefined ? [FLOW, COMPACT_FLOW] : [FLOW];

let isGreen = true;
for (const run of unitRuns) isGreen = (await runJest(run)) && isGreen;
if (flowRuns.length > 0) {
  // Flows run the built services; sources would do for everything else.
  try {
    await buildWorkspace();
    for (const run of flowRuns) isGreen = (await runJest(run)) && isGreen;
  } catch (error) {
    console.error((error as Error).message);
    isGreen = false;
  }
}
if (isSummaryWanted) writeSummary();
process.exitCode = isGreen ? 0 : 1;

function runJest({ name, args: own, env }: Run): Promise<boolean> {
  const args = [
    '--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js',
    ...own, '--passWithNoTests', ...jestArgs,
    ...(isSummaryWanted ? ['--json', `--outputFile=${resultsFile(name)}`] : []),
  ];
  return new Promise((resolve) => {
    const stdio = isSummaryWanted ? (['ignore', 'ignore', 'inherit'] as const) : ('inherit' as const);
    const child = spawn(process.execPath, args, { cwd: workspace, stdio: stdio as 'inherit', env: { ...process.env, KAFKAJS_NO_PARTITIONER_WARNING: '1', ...env } });
    const terminate = () => child.kill('SIGTERM');
    process.on('SIGTERM', terminate).on('SIGINT', () => {});
    child.once('exit', (code) => resolve(code === 0));
  });
}

function writeSummary(): void {
  let [passed, failed] = [0, 0];
  for (const { name } of [...unitRuns, ...flowRuns]) {
    try {
      const numbers = JSON.parse(readFileSync(resultsFile(name), 'utf8')) as JestNumbers;
      passed += numbers.numPassedTests;
      // A suite that could not even be loaded has no failed tests of its own.
      failed += numbers.numFailedTests + numbers.numRuntimeErrorTestSuites;
    } catch {
      failed += 1; // jest itself did not come to an end
    }
  }
  if (!isGreen && failed === 0) failed = 1;
  writeFileSync(join(resultsDir, 'summary'), `${passed} ${failed}\n`);
}

function resultsFile(run: string): string {
  return join(resultsDir, `${run}.json`);
}
