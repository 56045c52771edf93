// node tools/bench/draw.ts <out.svg> [name=]<result.json>…: latency over load, from what the bench has stored. The same files
// give the same picture, byte for byte.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';

export interface Point {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
}

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

interface Stored {
  readonly layout?: string;
  readonly door?: string;
  readonly results: readonly {
    readonly rate?: number;
    readonly latencyMs?: Percentiles;
    readonly name?: string;
    readonly loads?: readonly { readonly rate: number; readonly entryMs: Percentiles }[];
  }[];
}

/** Of `npm run bench`, one series; of the comparison, one of each who took part. */
export function seriesOf(text: string, name: string | undefined): Series[] {
  const { layout, door, results } = JSON.parse(text) as Stored;
  const compared = results.flatMap((result) => (result.loads === undefined ? [] : [{ name: name ?? result.name ?? '', points: result.loads.map(({ rate, entryMs }) => pointOf(rate, entryMs)) }]));
  const own = results.flatMap(({ rate, latencyMs }) => (rate === undefined || latencyMs === undefined ? [] : [pointOf(rate, latencyMs)]));
  return own.length === 0 ? compared : [{ name: name ?? [layout, door].filter(Boolean).join(', '), points: own }, ...compared];
}

function pointOf(rate: number, { p50, p99 }: Percentiles): Point {
  return { rate, p50, p99 };
}

const WIDTH = 720;
const HEIGHT = 420;
const PLOT = { left: 64, top: 24, right: WIDTH - 190, bottom: HEIGHT - 56 };
/** Told apart by people who see few colours, too (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#000000', '#999999'];
const LOWEST_MS = 1;

/** Milliseconds on a logarithmic axis over events a second on a linear one; p99 as lines, p50 dashed. */
export function drawLatency(series: readonly Series[]): string {
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) throw new Error('There is nothing to draw: no file holds a load with latencies.');
  const highestRate = Math.max(...points.map(({ rate }) => rate));
  const decades = Math.max(1, Math.ceil(Math.log10(Math.max(...points.map(({ p99 }) => p99), LOWEST_MS * 10))));
  const x = (rate: number): number => round(PLOT.left + (rate / highestRate) * (PLOT.right - PLOT.left));
  const y = (ms: number): number => round(PLOT.bottom - (Math.log10(Math.max(ms, LOWEST_MS)) / decades) * (PLOT.bottom - PLOT.top));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    ...horizontals(decades, y), ...verticals(highestRate, x),
    ...series.flatMap((one, index) => curve(one, COLOURS[index % COLOURS.length] as string, { x, y })),
    ...series.flatMap(({ name }, index) => legend(name, COLOURS[index % COLOURS.length] as string, PLOT.top + 12 + index * 20)),
    label(PLOT.right + 16, PLOT.bottom, 'line p99, dashes p50', 'start'),
    label((PLOT.left + PLOT.right) / 2, HEIGHT - 14, 'events offered a second', 'middle'),
    `<text transform="translate(16 ${(PLOT.top + PLOT.bottom) / 2}) rotate(-90)" text-anchor="middle" fill="#333333">milliseconds, logarithmic</text>`,
    '</svg>', '',
  ].join('\n');
}

type Scale = (value: number) => number;

function horizontals(decades: number, y: Scale): string[] {
  return Array.from({ length: decades + 1 }, (_, power) => 10 ** power).flatMap((ms) => [
    `<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${y(ms)}" y2="${y(ms)}" stroke="#dddddd"/>`, label(PLOT.left - 8, y(ms) + 4, numberOf(ms), 'end'),
  ]);
}

function verticals(highestRate: number, x: Scale): string[] {
  const step = niceStep(highestRate / 5);
  return Array.from({ length: Math.floor(highestRate / step) + 1 }, (_, index) => index * step).flatMap((rate) => [
    `<line x1="${x(rate)}" x2="${x(rate)}" y1="${PLOT.top}" y2="${PLOT.bottom}" stroke="#eeeeee"/>`, label(x(rate), PLOT.bottom + 18, numberOf(rate), 'middle'),
  ]);
}

function curve({ points }: Series, colour: string, { x, y }: { readonly x: Scale; readonly y: Scale }): string[] {
  const sorted = [...points].sort((left, right) => left.rate - right.rate);
  const path = (ms: (point: Point) => number): string => sorted.map((point, index) => `${index === 0 ? 'M' : 'L'}${x(point.rate)} ${y(ms(point))}`).join(' ');
  return [
    `<path d="${path(({ p50 }) => p50)}" fill="none" stroke="${colour}" stroke-dasharray="4 4"/>`,
    `<path d="${path(({ p99 }) => p99)}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...sorted.map((point) => `<circle cx="${x(point.rate)}" cy="${y(point.p99)}" r="3" fill="${colour}"><title>${numberOf(point.rate)}/s: p50 ${point.p50} ms, p99 ${point.p99} ms</title></circle>`),
  ];
}

function legend(name: string, colour: string, y: number): string[] {
  return [`<rect x="${PLOT.right + 16}" y="${y - 9}" width="10" height="10" fill="${colour}"/>`, label(PLOT.right + 32, y, name, 'start')];
}

function label(x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="#333333">${escape(text)}</text>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function numberOf(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** 1, 2 or 5 times a power of ten, at least as large. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5, 10].find((factor) => factor * power >= least) as number) * power;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

if (process.argv[1]?.endsWith('draw.ts')) {
  const [out, ...inputs] = process.argv.slice(2);
  if (out === undefined || inputs.length === 0) throw new Error('node tools/bench/draw.ts <out.svg> [name=]<result.json>…');
  const series = inputs.flatMap((input) => {
    const [, name, file] = /^(?:([^=/]+)=)?(.+)$/.exec(input) as unknown as [string, string | undefined, string];
    return seriesOf(readFileSync(file, 'utf8'), name);
  });
  writeFileSync(out, drawLatency(series));
  console.log(`${basename(out)}: ${series.map(({ name, points }) => `${name} (${points.length} loads)`).join(', ')}`);
}
