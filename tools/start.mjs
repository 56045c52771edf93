// `npm start`: see that the machine can run this, install what is missing, and go on in start.ts under Node 24.
import { checkMachine, continueUnderWorkspaceNode, installWhenNeeded, sayAndFail } from './preflight.mjs';

try {
  checkMachine({ needsKafka: !process.env.KAFKA_BROKERS });
  await installWhenNeeded();
  await continueUnderWorkspaceNode(['tools/start.ts', ...process.argv.slice(2)]);
} catch (error) {
  sayAndFail(error);
}
