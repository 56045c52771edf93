import { log } from '@tributary/service/log';
import { EMAIL, PASSWORD, startConsole } from './start-console.js';

const EVENT_EVERY_MS = 160;
const CHANGE_EVERY_MS = 700;

const played = await startConsole({ port: Number(process.env['CONSOLE_PORT'] ?? 3000) });
let [events, changes] = [0, 0];
setInterval(() => played.publishEvent(events++), EVENT_EVERY_MS);
setInterval(() => played.publishChange(changes++), CHANGE_EVERY_MS);
log.info({ url: played.url, login: `${EMAIL} / ${PASSWORD}` }, 'the console plays with an invented shop');
