// Everybody did one thing at the same instant, and its window ends for all of them at one instant.
import { latencyRow, type LiveLoad } from './live-load.ts';
import { WEBINAR, webinarAtMs } from './people.ts';
import type { SegmentsDoor } from './segments-door.ts';

/** From the definition to the end of its window: everybody must have entered by then. */
const AHEAD_S = 45;
const TIMEOUT_MS = 120_000;

export async function measureHerd({ door, live, seconds, profiles, say }: { readonly door: SegmentsDoor; readonly live: LiveLoad; readonly seconds: number; readonly profiles: number; readonly say: (line: string) => void }) {
  const joinedMs = await webinarAtMs(door.databaseUrl);
  const withinS = Math.ceil((Date.now() - joinedMs) / 1_000) + AHEAD_S + Math.ceil(seconds);
  const endMs = joinedMs + withinS * 1_000;
  const key = `webinar-${Date.now()}`;
  await door.define({ key, rule: { performed: WEBINAR, within: `${withinS}s` } });
  await door.whenLive();
  const { count } = await door.find(key);
  say(`${count} members, whose windows end in ${((endMs - Date.now()) / 1_000).toFixed(1)} s`);
  if (endMs - Date.now() < (seconds / 2 + 8) * 1_000) throw new Error('too little time was left before the windows end');
  const before = await live.during(() => new Promise((resolve) => setTimeout(resolve, (seconds / 2) * 1_000)));
  let left = 0;
  let lastMs = 0;
  live.reader.onChange = ({ segment, change }, readMs) => {
    if (segment !== key || change !== 'left') return;
    left++;
    lastMs = readMs;
  };
  const during = await live.during(async () => {
    // Only from the instant on: what comes before is quiet and would flatter.
    await until(() => Date.now() >= endMs);
    live.reader.reset(endMs);
    await until(() => left >= count);
  });
  live.reader.onChange = undefined;
  const drainedS = (lastMs - endMs) / 1_000;
  return {
    name: 'herd',
    result: { profiles, members: count, left, drainedS, before: before.latencyMs, during: during.latencyMs },
    rows: [
      [`${count} timers due at the same instant, drained`, `${drainedS.toFixed(1)} s`, '10 s'],
      latencyRow('while they fire', before.latencyMs, during.latencyMs),
    ] as [string, string, string][],
  };
}

async function until(isDone: () => boolean): Promise<void> {
  for (const giveUpMs = Date.now() + TIMEOUT_MS; !isDone(); await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (Date.now() > giveUpMs) throw new Error('the timers did not all fire in time');
  }
}
