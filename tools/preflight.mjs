// What must be true before anything of the workspace can run. No dependencies, and nothing newer than Node 20:
// this runs before the first `npm ci`, on the Node that the machine happens to have.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const workspace = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** The Node on which everything but these few files runs; it comes with `npm ci`. */
export const workspaceNode = join(workspace, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');

/** The jar whose presence says that the broker's jars were fetched. Kept equal to kafka/pom.xml by a test. */
export const KAFKA_VERSION = '4.3.1';

const NODE_MIN = [20, 19];
const JAVA_MIN = 17;
const FREE_BYTES_MIN = 2 * 1024 ** 3;
const STILL_RUNNING_EVERY_MS = 10_000;

/** A reason not to start that the person at the terminal can act on; shown without a stack. */
export class PreflightError extends Error {}

/**
 * Checks the machine and throws a PreflightError with one sentence for the first thing that is missing.
 * @param {{ needsKafka: boolean }} needs
 */
export function checkMachine({ needsKafka }) {
  for (const problem of [wrongPlatform(), oldNode(), needsKafka && missingJava(), needsKafka && missingMaven(), fullDisk()]) {
    if (problem) throw new PreflightError(problem);
  }
}

/** Runs `npm ci` when node_modules does not hold what the lock file asks for. */
export async function installWhenNeeded() {
  if (isInstalled()) return;
  const started = Date.now();
  console.log('Installing packages with npm ci (about a minute the first time)…');
  const timer = setInterval(() => console.log(`  still installing, ${seconds(started)}`), STILL_RUNNING_EVERY_MS);
  const code = await run('npm', ['ci', '--loglevel=error'], { cwd: workspace });
  clearInterval(timer);
  if (code !== 0) throw new PreflightError('npm ci failed; its own message is above.');
  if (!existsSync(workspaceNode)) {
    throw new PreflightError(`npm ci did not bring Node 24 (${workspaceNode}): were optional dependencies left out?`);
  }
  console.log(`  installed in ${seconds(started)}`);
}

/** Runs a script of this folder under the workspace's Node, and ends with its exit code. */
export async function continueUnderWorkspaceNode(args, env = {}) {
  process.exitCode = await run(workspaceNode, args, { cwd: workspace, env: { ...process.env, ...env } });
}

/** Ends the process with the sentence of a PreflightError; anything else is a defect and keeps its stack. */
export function sayAndFail(error) {
  console.error(error instanceof PreflightError ? `\n${error.message}` : error);
  process.exitCode = 1;
}

/**
 * True when every package of package-lock.json is in node_modules at its version. Contents are compared, not
 * times: a checkout touches the lock file without changing it. Exported for its test.
 */
export function isInstalled(root = workspace) {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const present = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (!wanted || !present) return false;
  if (root === workspace && !existsSync(workspaceNode)) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    // Extraneous entries are leftovers in the lock file itself, which npm ci leaves out.
    if (!path.includes('node_modules/') || entry.link || entry.extraneous) return true;
    const installed = present[path];
    return installed ? installed.version === entry.version : Boolean(entry.optional || entry.devOptional || entry.peer);
  });
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function wrongPlatform() {
  if (process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)) return undefined;
  return `This runs on Linux (x64, arm64), and here is ${process.platform} ${process.arch}: use docker compose -f docker/compose.yaml up instead.`;
}

function oldNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return undefined;
  return `Node ${NODE_MIN.join('.')} or newer is needed, and this is Node ${process.versions.node}: install a newer one from https://nodejs.org.`;
}

function missingJava() {
  const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin', 'java') : 'java';
  const { stderr, error } = spawnSync(java, ['-version'], { encoding: 'utf8' });
  const hint = `install one (on Debian: apt install openjdk-${JAVA_MIN}-jre-headless) or set KAFKA_BROKERS to a running Kafka.`;
  if (error) return `Kafka needs Java ${JAVA_MIN} or newer, and there is no ${java}: ${hint}`;
  const [, version, old] = /version "(\d+)(?:\.(\d+))?/.exec(stderr) ?? [];
  const major = Number(version === '1' ? old : version);
  return major >= JAVA_MIN ? undefined : `Kafka needs Java ${JAVA_MIN} or newer, and ${java} is ${version ? `Java ${major}` : 'of an unknown version'}: ${hint}`;
}

function missingMaven() {
  if (existsSync(join(workspace, '.local', 'kafka', 'lib', `kafka_2.13-${KAFKA_VERSION}.jar`))) return undefined;
  if (!spawnSync('mvn', ['-v']).error) return undefined;
  return 'Maven fetches Kafka, and there is no mvn: install it (on Debian: apt install maven) or set KAFKA_BROKERS to a running Kafka.';
}

function fullDisk() {
  const { bavail, bsize } = statfsSync(workspace);
  if (bavail * bsize >= FREE_BYTES_MIN) return undefined;
  return `The disk under ${workspace} has ${Math.floor((bavail * bsize) / 1024 ** 2)} MB free and ${FREE_BYTES_MIN / 1024 ** 3} GB are needed: free some space first.`;
}

/**
 * Waits for a child to end. Ctrl-C reaches the whole process group, so it is left to the child; a signal sent
 * to this process alone is passed on.
 */
function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    const onInterrupt = () => {};
    const onTerminate = () => child.kill('SIGTERM');
    process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate).on('SIGHUP', onTerminate);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate).off('SIGHUP', onTerminate);
      resolve(code ?? (signal ? 1 : 0));
    });
  });
}

function seconds(since) {
  return `${Math.round((Date.now() - since) / 1000)} s`;
}
