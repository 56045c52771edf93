// `npm stop`: stop what `npm start` started, also when its supervisor is gone.
import { existsSync } from 'node:fs';
import { continueUnderWorkspaceNode, sayAndFail, workspaceNode } from './preflight.mjs';

try {
  if (existsSync(workspaceNode)) await continueUnderWorkspaceNode(['tools/stop.ts', ...process.argv.slice(2)]);
  else console.log('Nothing is installed here, so nothing runs.');
} catch (error) {
  sayAndFail(error);
}
