import { readFile } from 'node:fs/promises';
import { log } from '@tributary/service/log';
import type { ConsoleConfig } from './console.config.js';

/** Which workspace the console shows, and the key with which it asks for it. */
export interface WorkspaceCredentials {
  readonly workspace: string;
  readonly adminKey: string;
}

const READ_AGAIN_MS = 1_000;

/**
 * The console's own key, which never reaches a browser. From the environment, or from the credentials file: that one
 * is written after the start, so it is looked at again, at most once a second, until it is there and when it changes.
 */
export class Credentials {
  #found: WorkspaceCredentials | null = null;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | null = null;

  constructor(private readonly config: ConsoleConfig) {
    const { CONSOLE_WORKSPACE: workspace, CONSOLE_ADMIN_KEY: adminKey } = config;
    if ((workspace === undefined) !== (adminKey === undefined)) {
      throw new Error('Set both CONSOLE_WORKSPACE and CONSOLE_ADMIN_KEY, or neither to read them from TRIBUTARY_CREDENTIALS.');
    }
    if (workspace !== undefined && adminKey !== undefined) {
      this.#found = { workspace, adminKey };
      this.#readAtMs = Number.POSITIVE_INFINITY;
    }
  }

  /** Null until a workspace has been made. */
  async current(): Promise<WorkspaceCredentials | null> {
    if (Date.now() - this.#readAtMs >= READ_AGAIN_MS) {
      this.#reading ??= this.#read().finally(() => (this.#reading = null));
      await this.#reading;
    }
    return this.#found;
  }

  async #read(): Promise<void> {
    this.#readAtMs = Date.now();
    const path = this.config.TRIBUTARY_CREDENTIALS;
    const text = await readFile(path, 'utf8').catch(() => null);
    if (text === null) return;
    const parsed = parse(text);
    // Half-written files are read again a second later.
    if (parsed === null) return log.warn({ path }, 'the credentials file has no workspace and adminKey yet');
    this.#found = parsed;
  }
}

function parse(text: string): WorkspaceCredentials | null {
  try {
    const { workspace, adminKey } = JSON.parse(text) as { workspace?: unknown; adminKey?: unknown };
    return typeof workspace === 'string' && typeof adminKey === 'string' ? { workspace, adminKey } : null;
  } catch {
    return null;
  }
}
