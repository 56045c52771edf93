// The part of `npm stop` that runs under the workspace's Node.
import { stopLocal } from './local-state.ts';

const stopped = await stopLocal();
console.log(stopped.length > 0 ? `Stopped ${stopped.join(', ')}.` : 'Nothing was running.');
