// Run once by compose before everything else: makes the secrets of this installation, in a volume that the services
// read. Kept over restarts; `docker compose down -v` forgets them together with the data that they protect.
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';

const SECRETS_FILE = '/state/secrets.env';
const POSTGRES_PASSWORD_FILE = '/state/postgres-password';

if (!existsSync(SECRETS_FILE)) {
  const password = randomBytes(24).toString('hex');
  const secrets = {
    DATABASE_URL: `postgres://tributary:${password}@postgres:5432/tributary`,
    OPERATOR_KEY: `operator_${randomBytes(24).toString('base64url')}`,
    TRIBUTARY_SECRET: randomBytes(32).toString('hex'),
    CONSOLE_EMAIL: 'admin@tributary.localhost',
    CONSOLE_PASSWORD: randomBytes(9).toString('base64url'),
  };
  writeFileSync(POSTGRES_PASSWORD_FILE, password, { mode: 0o600 });
  // Last, for its presence says that all is done.
  writeFileSync(SECRETS_FILE, `${Object.entries(secrets).map(([name, value]) => `${name}=${value}`).join('\n')}\n`, { mode: 0o600 });
}
