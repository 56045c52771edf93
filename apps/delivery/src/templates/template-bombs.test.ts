import { compileSource } from './template-engine.js';

const STOPPED_WITHIN_MS = 4_000;
const LONG = Array.from({ length: 3_000 }, (_, index) => index);

/** What must end by itself, with an error, and soon. */
const bombs: [string, 'liquid' | 'handlebars', string][] = [
  ['a long loop', 'liquid', '{% for i in (1..100000000) %}{{ i }}{% endfor %}'],
  ['a long loop without a body', 'liquid', '{% for i in (1..100000000) %}{% endfor %}'],
  ['nested loops', 'liquid', '{% for a in list %}{% for b in list %}{% for c in list %}x{% endfor %}{% endfor %}{% endfor %}'],
  ['text that doubles', 'liquid', `{% assign x = "xxxxxxxxxxxxxxxx" %}${'{% assign x = x | append: x %}'.repeat(40)}{{ x }}`],
  ['a join of what was split', 'liquid', `{% assign x = list | join: "${'x'.repeat(10_000)}" %}{{ x }}`],
  ['nested loops over a list of the profile', 'handlebars', '{{#each list}}{{#each ../list}}{{#each ../../list}}x{{/each}}{{/each}}{{/each}}'],
];

test.each(bombs)('%s in %s is stopped', (_, language, source) => {
  const render = compileSource(language, source, 'html');
  const startedMs = Date.now();
  expect(() => render({ list: LONG })).toThrow();
  expect(Date.now() - startedMs).toBeLessThan(STOPPED_WITHIN_MS);
});

test('a template renders on after another one was stopped', () => {
  const [, language, source] = bombs[2] as (typeof bombs)[number];
  expect(() => compileSource(language, source, 'html')({ list: LONG })).toThrow();
  expect(compileSource('liquid', '{{ a }}', 'html')({ a: 'x<y' })).toBe('x&lt;y');
});
