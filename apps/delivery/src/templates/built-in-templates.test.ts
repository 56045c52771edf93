import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { endMjmlThread } from './compile-mjml.js';
import { compileTemplate, type TemplateSource, warningsOf } from './compile-template.js';
import { compiledTemplate, renderMessage } from './render-message.js';

// Loading MJML takes seconds on a busy machine.
jest.setTimeout(60_000);

afterAll(endMjmlThread);

const FOLDER = join(__dirname, '../../templates');

const builtIn = JSON.parse(readFileSync(join(FOLDER, 'templates.json'), 'utf8')) as (Omit<TemplateSource, 'body' | 'text'> & { key: string; name: string; file: string })[];

const people: [string, object][] = [
  ['nothing known', { profile: {}, event: {}, workspace: {} }],
  ['null everywhere', { profile: { firstName: null }, event: { properties: null }, workspace: { name: null } }],
  ['all known', { profile: { firstName: 'Ann' }, event: { properties: { value: 42.5, currency: 'EUR', products: [{ name: 'Mug', price: 8 }, { category: 'TEA' }] } }, workspace: { name: 'Corner Shop' } }],
  ['long names in another script', { profile: { firstName: 'Ефросиния'.repeat(30) }, event: { properties: { value: 'many' } }, workspace: { name: '店'.repeat(40) } }],
];

describe.each(builtIn)('the built-in template $key', (template) => {
  const source: TemplateSource = { ...template, text: null, body: readFileSync(join(FOLDER, template.file), 'utf8') };

  test('compiles without a warning, and reads well whatever is known of a person', async () => {
    const { compiled, warnings } = await compileTemplate(source);
    expect(warnings).toEqual([]);
    const ready = compiledTemplate({ ...source, workspace: 'built-in', key: template.key, version: 1, compiled });
    for (const [, scope] of people) {
      const urls = { unsubscribe_url: 'https://mail.example/u/1', preferences_url: 'https://mail.example/p/1' };
      const { subject, preheader, html, text } = renderMessage(ready, { ...scope, ...urls }, null);
      expect(subject).toMatch(/^\S.*\S$/);
      expect(preheader).not.toBe('');
      expect(subject + preheader + html + text).not.toMatch(/undefined|null\b|NaN|\[object|\{\{|\{%|, ,|^,/);
      expect(text).toContain('https://mail.example/u/1');
      expect(html.match(/\/u\/1"/g)).toHaveLength(1);
      expect(warningsOf(html)).toEqual([]);
      expect(html).toMatch(/<html lang="en"/);
    }
  });
});
