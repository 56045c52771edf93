// What is made once and kept in the state directory: secrets of the installation, and the keys of its first workspace.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Secrets {
  readonly operatorKey: string;
  /** 32 bytes in hex; signs links and sessions. */
  readonly tributarySecret: string;
  readonly console: { readonly email: string; readonly password: string };
}

export interface Credentials {
  readonly workspace: string;
  readonly writeKey: string;
  readonly adminKey: string;
  readonly operatorKey: string;
  readonly console: { readonly email: string; readonly password: string };
}

const CONSOLE_EMAIL = 'admin@tributary.localhost';
const WORKSPACE_NAME = 'demo';
const REQUEST_MS_MAX = 30_000;

export function credentialsFile(dir: string): string {
  return join(dir, 'credentials.json');
}

/** Values in the environment win over kept ones. */
export function readOrMakeSecrets(dir: string, env: NodeJS.ProcessEnv): Secrets {
  const file = join(dir, 'secrets.json');
  if (!existsSync(file)) {
    writePrivately(file, {
      operatorKey: `operator_${randomBytes(24).toString('base64url')}`,
      tributarySecret: randomBytes(32).toString('hex'),
      console: { email: CONSOLE_EMAIL, password: randomBytes(9).toString('base64url') },
    } satisfies Secrets);
  }
  const kept = JSON.parse(readFileSync(file, 'utf8')) as Secrets;
  return {
    operatorKey: env.OPERATOR_KEY || kept.operatorKey,
    tributarySecret: env.TRIBUTARY_SECRET || kept.tributarySecret,
    console: { email: env.CONSOLE_EMAIL || kept.console.email, password: env.CONSOLE_PASSWORD || kept.console.password },
  };
}

/** The first workspace's keys; on the first start made through the API like any other workspace's. */
export async function readOrMakeCredentials(dir: string, secrets: Secrets, ingestionUrl: string): Promise<Credentials> {
  const file = credentialsFile(dir);
  const ofInstallation = { operatorKey: secrets.operatorKey, console: secrets.console };
  if (existsSync(file)) {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Credentials;
    const current: Credentials = { ...kept, ...ofInstallation };
    if (JSON.stringify(current) !== JSON.stringify(kept)) writePrivately(file, current);
    return current;
  }
  const response = await fetch(`${ingestionUrl}/v1/workspaces`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secrets.operatorKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: WORKSPACE_NAME }),
    signal: AbortSignal.timeout(REQUEST_MS_MAX),
  });
  const body = await response.text();
  if (response.status !== 201) throw new Error(`The first workspace could not be made: ingestion answered ${response.status} ${body}`);
  const { workspace, writeKey, adminKey } = JSON.parse(body) as Pick<Credentials, 'workspace' | 'writeKey' | 'adminKey'>;
  const credentials: Credentials = { workspace, writeKey, adminKey, ...ofInstallation };
  writePrivately(file, credentials);
  return credentials;
}

/** Complete or absent, and for the owner's eyes only. */
function writePrivately(file: string, value: unknown): void {
  mkdirSync(join(file, '..'), { recursive: true });
  const partial = `${file}.partial`;
  writeFileSync(partial, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(partial, file);
}
