// A suite that stays green without a guard does not test it. Each mutant runs in a jest of its own, on the servers of this run.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workspace } from '../preflight.mjs';
import { mutants, mutate, type Mutant } from './mutants.ts';

const RUN_MS_MAX = 120_000;

jest.setTimeout(RUN_MS_MAX + 10_000);

interface JestReport {
  readonly numFailedTests: number;
  readonly numRuntimeErrorTestSuites: number;
}

test.each(mutants)('without its guard, $name makes the suite fail', async (mutant) => {
  const report = await runSuites(mutant);
  // Failed by its tests, and not because nothing could be run.
  expect(report.numRuntimeErrorTestSuites).toBe(0);
  expect(report.numFailedTests).toBeGreaterThan(0);
});

test('a mutant whose guard is written differently by now says so', () => {
  expect(() => mutate('nothing of it', mutants[0]!)).toThrow('out of date');
});

async function runSuites({ name, suites, tests }: Mutant): Promise<JestReport> {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-mutant-'));
  const reportFile = join(dir, 'report.json');
  const args = [
    '--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js', '--selectProjects', 'unit', '--runInBand', '--forceExit',
    '--json', `--outputFile=${reportFile}`, ...(tests === undefined ? [] : ['--testNamePattern', tests]), ...suites,
  ];
  const env = { ...process.env, TEST_MUTANT: name, KAFKA_BROKERS: process.env.TEST_KAFKA_BROKERS, DATABASE_URL: process.env.TEST_DATABASE_URL };
  try {
    await new Promise<void>((resolve) => execFile(process.execPath, args, { cwd: workspace, env, timeout: RUN_MS_MAX }, () => resolve()));
    return JSON.parse(readFileSync(reportFile, 'utf8')) as JestReport;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
