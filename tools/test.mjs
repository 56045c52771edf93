// `npm test`: the same preparation as `npm start`, then every test. What is behind `--` goes to jest:
// `npm test -- libs/domain`, `npm test -- e2e -t 'sentence'`.
import { checkMachine, continueUnderWorkspaceNode, installWhenNeeded, sayAndFail } from './preflight.mjs';

try {
  checkMachine({ needsKafka: !process.env.KAFKA_BROKERS && process.env.TEST_NO_SERVERS !== '1' });
  await installWhenNeeded();
  await continueUnderWorkspaceNode(['tools/test.ts', ...process.argv.slice(2)]);
} catch (error) {
  sayAndFail(error);
}
