import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const css = readFileSync(join(import.meta.dirname, 'tokens.css'), 'utf8');

/** The colours of the block that begins with this selector. */
function coloursAfter(selector: string): ReadonlyMap<string, string> {
  const block = css.slice(css.indexOf(selector)).split('}')[0] as string;
  return new Map([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name as string, value as string]));
}

const light = coloursAfter(":root[data-theme='light'] {");
const dark = coloursAfter(":root[data-theme='dark'] {");

const TEXTS = ['text', 'text-soft', 'text-faint', 'accent-strong', 'entered', 'left', 'danger', 'warning'];
const PAIRS: readonly (readonly [text: string, ground: string])[] = [
  ...TEXTS.flatMap((text) => ['surface', 'surface-sunken', 'surface-hover'].map((ground) => [text, ground] as const)),
  ['accent-strong', 'accent-soft'], ['entered', 'entered-soft'], ['left', 'left-soft'], ['danger', 'danger-soft'], ['warning', 'warning-soft'], ['on-accent', 'accent'], ['text-faint', 'surface-selected'],
];

test.each([['light', light], ['dark', dark]] as const)('in the %s theme every text can be read on every ground (WCAG AA, 4.5:1)', (_, colours) => {
  const weak = PAIRS.map(([text, ground]) => ({ pair: `${text} on ${ground}`, ratio: contrast(colours.get(text) as string, colours.get(ground) as string) })).filter(({ ratio }) => !(ratio >= 4.5));
  expect(weak).toEqual([]);
});

test('who has chosen nothing and has a dark system sees the dark theme', () => {
  expect(coloursAfter(":root:not([data-theme='light']) {")).toEqual(dark);
});

/** WCAG 2.2, relative luminance and contrast ratio. */
function contrast(one: string, other: string): number {
  const [lighter, darker] = [luminance(one), luminance(other)].sort((left, right) => right - left) as [number, number];
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
