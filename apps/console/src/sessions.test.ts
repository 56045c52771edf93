import { ConsoleConfig } from './console.config.js';
import { SESSION_MS, Sessions } from './sessions.js';

const sessions = (changes: Partial<ConsoleConfig> = {}) =>
  new Sessions(Object.assign(new ConsoleConfig(), { TRIBUTARY_SECRET: 'a secret that is long enough for tests', CONSOLE_EMAIL: 'ada@shop.example', CONSOLE_PASSWORD: 'password', ...changes }));

test('a session lasts twelve hours, to the millisecond', () => {
  const all = sessions();
  const cookie = all.seal(all.open(1_000));
  expect(all.read(cookie, 1_000 + SESSION_MS - 1)).toMatchObject({ email: 'ada@shop.example', expiresMs: 1_000 + SESSION_MS });
  expect(all.read(cookie, 1_000 + SESSION_MS)).toBeNull();
});

test('every replica with the same secret and password knows it; others do not', () => {
  const cookie = sessions().seal(sessions().open(0));
  expect(sessions().read(cookie, 1)).not.toBeNull();
  expect(sessions({ TRIBUTARY_SECRET: 'another secret that is long enough' }).read(cookie, 1)).toBeNull();
  expect(sessions({ CONSOLE_PASSWORD: 'another' }).read(cookie, 1)).toBeNull();
});

test('a signature for one purpose is none for the other', () => {
  const all = sessions();
  const session = all.open(0);
  const [payload] = all.seal(session).split('.') as [string];
  expect(all.read(`${payload}.${all.csrfToken(session)}`, 1)).toBeNull();
});

test('a closed session stays closed while more are closed than are remembered', () => {
  const all = sessions();
  const session = all.open(0);
  for (let n = 0; n < 9_000; n++) all.close(all.open(0), 1);
  all.close(session, 1);
  expect(all.read(all.seal(session), 2)).toBeNull();
});
