import { Alarm } from './alarm.js';
import { systemClock } from './clock.js';

const LONG_MS = 60_000;

test('ringing ends the sleep, and the next one is a sleep again', async () => {
  const alarm = new Alarm(systemClock);
  const slept = alarm.sleep(LONG_MS);
  alarm.ring();
  await slept;
  const startedMs = performance.now();
  await alarm.sleep(20);
  expect(performance.now() - startedMs).toBeGreaterThan(15);
});

test('ringing just before the sleep is not lost', async () => {
  const alarm = new Alarm(systemClock);
  alarm.ring();
  await alarm.sleep(LONG_MS);
});
