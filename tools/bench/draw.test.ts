import { drawLatency, seriesOf } from './draw.ts';

const STORED = JSON.stringify({ layout: 'compact', door: 'kafka', results: [{ rate: 1_000, latencyMs: { p50: 20, p99: 60 } }, { rate: 5_000, latencyMs: { p50: 30, p99: 120 } }] });

test('a stored run is one curve, a comparison one for each who took part', () => {
  expect(seriesOf(STORED, undefined)).toEqual([{ name: 'compact, kafka', points: [{ rate: 1_000, p50: 20, p99: 60 }, { rate: 5_000, p50: 30, p99: 120 }] }]);
  const compared = JSON.stringify({ results: [{ name: 'one', loads: [{ rate: 100, entryMs: { p50: 1, p99: 2 } }] }, { name: 'other', loads: [] }] });
  expect(seriesOf(compared, undefined).map(({ name, points }) => [name, points.length])).toEqual([['one', 1], ['other', 0]]);
});

test('higher latency is higher up, more load further right, and names are escaped', () => {
  const svg = drawLatency(seriesOf(STORED, 'a <b>'));
  const [low, high] = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);
  expect(high?.[0]).toBeGreaterThan(low?.[0] as number);
  expect(high?.[1]).toBeLessThan(low?.[1] as number);
  expect(svg).toContain('a &lt;b&gt;');
  expect(drawLatency(seriesOf(STORED, 'a <b>'))).toBe(svg);
});

test('a file without loads is refused', () => {
  expect(() => drawLatency(seriesOf(JSON.stringify({ results: [] }), 'x'))).toThrow('nothing to draw');
});
