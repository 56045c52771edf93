// One process kept alive: started with its output in a file, restarted when it dies, stopped when asked.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { endProcess, forgetProcess, recordProcess } from './process-identity.ts';

export interface ProcessPlan {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly logFile: string;
  /** Where the pid is kept, so that a later run finds an orphan. */
  readonly pidFile?: string;
  /** Runs before each start, the first one included. */
  readonly prepare?: () => void | Promise<void>;
  /** Whether the process can do its work now; a rejection counts as no. */
  readonly isReady: () => Promise<boolean>;
  readonly stopSignal?: NodeJS.Signals;
  /** From the stop signal to SIGKILL. */
  readonly graceMs?: number;
}

export interface SuperviseOptions {
  /** Start the process again when it dies. */
  readonly restart: boolean;
  readonly report?: (sentence: string) => void;
}

const GRACE_MS = 15_000;
/** Before it is ready it has nothing to finish, and a JVM that is still starting may not hear the signal at all. */
const GRACE_BEFORE_READY_MS = 3_000;
const READY_POLL_MS = 100;
const READY_PROBE_MS_MAX = 2_000;
/** The first restart is immediate, for a crash is usually alone; then slower, so that a broken build does not spin. */
const RESTART_DELAYS_MS = [0, 500, 1_000, 2_000, 5_000];
/** After so long a life the next crash counts as the first one again. */
const STABLE_AFTER_MS = 30_000;
/** A process that has never been ready and died this often will not get better by waiting. */
const DEATHS_BEFORE_READY_MAX = 3;
const LOG_LINES_SHOWN = 15;
const LOG_BYTES_MAX = 20 * 1024 * 1024;

export class SupervisedProcess {
  readonly plan: ProcessPlan;
  readonly #options: SuperviseOptions;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #restartTimer: NodeJS.Timeout | undefined;
  #isWanted = false;
  #hasBeenReady = false;
  #deaths = 0;
  #startedAt = 0;

  constructor(plan: ProcessPlan, options: SuperviseOptions) {
    this.plan = plan;
    this.#options = options;
  }

  get name(): string {
    return this.plan.name;
  }

  /** Undefined between a death and the restart. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    this.#isWanted = true;
    await this.#spawn();
  }

  /** Resolves when the process says that it is ready; rejects, with the end of its log, when it does not in time. */
  async whenReady(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!(this.#child && (await this.#probe()))) {
      if (!this.#isWanted) throw new Error(`${this.name} was stopped.`);
      const isHopeless = !this.#options.restart || (!this.#hasBeenReady && this.#deaths >= DEATHS_BEFORE_READY_MAX);
      if (!this.#child && isHopeless) throw new Error(`${this.name} ended instead of getting ready.\n${this.lastLog()}`);
      if (Date.now() > deadline) throw new Error(`${this.name} was not ready within ${timeoutMs / 1000} s.\n${this.lastLog()}`);
      await sleep(READY_POLL_MS);
    }
    this.#hasBeenReady = true;
  }

  /** Sends a signal; when that ends the process, it is restarted like after any other death. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child?.kill(signal);
  }

  pause(): void {
    this.kill('SIGSTOP');
  }

  resume(): void {
    this.kill('SIGCONT');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async stop(): Promise<'ended' | 'killed'> {
    this.#isWanted = false;
    clearTimeout(this.#restartTimer);
    const pid = this.#child?.pid;
    const graceMs = this.#hasBeenReady ? (this.plan.graceMs ?? GRACE_MS) : GRACE_BEFORE_READY_MS;
    const ending = pid === undefined ? 'ended' : await endProcess(pid, this.plan.stopSignal ?? 'SIGTERM', graceMs);
    await this.#exited;
    if (this.plan.pidFile) forgetProcess(this.plan.pidFile);
    return ending;
  }

  lastLog(lines = LOG_LINES_SHOWN): string {
    if (!existsSync(this.plan.logFile)) return '(no log)';
    const text = readFileSync(this.plan.logFile, 'utf8').trimEnd().split('\n').slice(-lines);
    return [`The last lines of ${this.plan.logFile}:`, ...text.map((line) => `  ${line}`)].join('\n');
  }

  async #spawn(): Promise<void> {
    const { command, args, env, cwd, uid, gid, logFile, pidFile } = this.plan;
    await this.plan.prepare?.();
    if (!this.#isWanted) return; // stopped in between
    mkdirSync(dirname(logFile), { recursive: true });
    if (existsSync(logFile) && statSync(logFile).size > LOG_BYTES_MAX) renameSync(logFile, `${logFile}.1`);
    // The child writes to the file itself: through a pipe it would die with its supervisor. It leads a process
    // group of its own, so that Ctrl-C in the terminal reaches the supervisor alone and the order of stopping holds.
    const log = openSync(logFile, 'a');
    const child = spawn(command, args, { cwd, env, uid, gid, detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    this.#child = child;
    this.#startedAt = Date.now();
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#options.report?.(`${this.name} could not be started: ${error.message}`);
        this.#onEnd(child, null, null);
        resolve();
      });
      child.once('exit', (code, signal) => {
        this.#onEnd(child, code, signal);
        resolve();
      });
    });
    if (pidFile && child.pid !== undefined) recordProcess(pidFile, child.pid);
  }

  #onEnd(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    if (!this.#isWanted) return;
    this.#deaths = Date.now() - this.#startedAt > STABLE_AFTER_MS ? 1 : this.#deaths + 1;
    if (!this.#options.restart) return;
    const delayMs = RESTART_DELAYS_MS[Math.min(this.#deaths, RESTART_DELAYS_MS.length) - 1] ?? 0;
    this.#options.report?.(`${this.name} ended (${signal ?? `exit code ${code}`}); starting it again${delayMs ? ` in ${delayMs} ms` : ''}`);
    this.#restartTimer = setTimeout(() => {
      this.#spawn().catch((error: Error) => {
        this.#options.report?.(`${this.name} could not be started again: ${error.message}`);
        this.#onEnd(child, null, null);
      });
    }, delayMs);
  }

  async #probe(): Promise<boolean> {
    // A paused process accepts connections and never answers.
    const late = new Promise<boolean>((resolve) => setTimeout(resolve, READY_PROBE_MS_MAX, false).unref());
    return Promise.race([this.plan.isReady().catch(() => false), late]);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
