// Runs one of the tools under the workspace's Node, with the services built: `node tools/run.mjs tools/bench/bench.ts …`.
import { checkMachine, continueUnderWorkspaceNode, installWhenNeeded, sayAndFail } from './preflight.mjs';

try {
  checkMachine({ needsKafka: false });
  await installWhenNeeded();
  await continueUnderWorkspaceNode(['tools/run-built.ts', ...process.argv.slice(2)]);
} catch (error) {
  sayAndFail(error);
}
