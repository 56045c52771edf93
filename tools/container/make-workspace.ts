// Run by compose when ingestion is ready: makes the first workspace once, and prints its keys and the addresses.
import { readOrMakeCredentials } from '../credentials.ts';

const { INGESTION_URL, OPERATOR_KEY, TRIBUTARY_SECRET, CONSOLE_EMAIL, CONSOLE_PASSWORD } = process.env as Record<string, string>;

const credentials = await readOrMakeCredentials(
  '/state',
  { operatorKey: OPERATOR_KEY!, tributarySecret: TRIBUTARY_SECRET!, console: { email: CONSOLE_EMAIL!, password: CONSOLE_PASSWORD! } },
  INGESTION_URL!,
);

console.log(`
Tributary is ready.

  console       http://127.0.0.1:3000   log in as ${credentials.console.email} with ${credentials.console.password}
  ingestion     http://127.0.0.1:3001   and so on up to delivery on 3006; API documentation under /docs
  mailbox       http://127.0.0.1:8025
  Kafka         127.0.0.1:9392

  workspace     ${credentials.workspace}
  write key     ${credentials.writeKey}
  admin key     ${credentials.adminKey}
  operator key  ${credentials.operatorKey}
`);
