// Installs what the lock file asks for, when it is not there; what `npm start` and `npm test` do first.
import { installWhenNeeded, sayAndFail } from './preflight.mjs';

try {
  await installWhenNeeded();
} catch (error) {
  sayAndFail(error);
}
