import { LOGIN_FAILURES_MAX, LOGIN_WINDOW_MS, LoginLimit } from './login-limit.js';

function failing(times: number): LoginLimit {
  const limit = new LoginLimit();
  for (let n = 0; n < times; n++) limit.failed('10.0.0.1', n);
  return limit;
}

test('the last failure allowed does not block, the next one does, until the first is 15 minutes old', () => {
  expect(failing(LOGIN_FAILURES_MAX - 1).waitMs('10.0.0.1', 100)).toBe(0);
  const limit = failing(LOGIN_FAILURES_MAX);
  expect(limit.waitMs('10.0.0.1', 100)).toBe(LOGIN_WINDOW_MS - 100);
  expect(limit.waitMs('10.0.0.1', LOGIN_WINDOW_MS - 1)).toBe(1);
  expect(limit.waitMs('10.0.0.1', LOGIN_WINDOW_MS)).toBe(0);
});

test('other addresses are not held up, and a success forgets', () => {
  const limit = failing(LOGIN_FAILURES_MAX);
  expect(limit.waitMs('10.0.0.2', 100)).toBe(0);
  limit.succeeded('10.0.0.1');
  expect(limit.waitMs('10.0.0.1', 100)).toBe(0);
});

test('addresses are kept up to a bound, those quiet for longest go first', () => {
  const limit = failing(LOGIN_FAILURES_MAX);
  for (let n = 0; n < 10_000; n++) limit.failed(`2001:db8::${n.toString(16)}`, 50);
  expect(limit.waitMs('10.0.0.1', 100)).toBe(0);
});
