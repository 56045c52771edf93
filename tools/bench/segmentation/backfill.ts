// A new windowed segment over the whole history while events flow.
import { latencyRow, type LiveLoad } from './live-load.ts';
import { LESSON } from './people.ts';
import type { SegmentsDoor } from './segments-door.ts';

export async function measureBackfill({ door, live, seconds, say }: { readonly door: SegmentsDoor; readonly live: LiveLoad; readonly seconds: number; readonly say: (line: string) => void }) {
  const before = await live.during(() => new Promise((resolve) => setTimeout(resolve, seconds * 1_000)));
  say(`before: ${JSON.stringify(before.latencyMs)}`);
  const key = `lesson-${Date.now()}`;
  const during = await live.during(async () => {
    const startedMs = Date.now();
    await door.define({ key, rule: { performed: LESSON, within: '14d', count: { op: 'gte', value: 4 }, where: [{ property: 'minutes', op: 'gte', value: 10 }] } });
    await door.whenLive();
    return (Date.now() - startedMs) / 1_000;
  });
  const { status, count } = await door.find(key);
  return {
    name: 'backfill',
    result: { seconds: during.result, status, members: count, before: before.latencyMs, during: during.latencyMs },
    rows: [
      ['backfill of a new windowed segment', `${during.result.toFixed(1)} s, ${count} members`, '30 s'],
      latencyRow('during the backfill', before.latencyMs, during.latencyMs),
    ] as [string, string, string][],
  };
}
