import { Problem } from '@tributary/service/problem';
import { endMjmlThread } from './compile-mjml.js';
import { compileTemplate, type TemplateSource } from './compile-template.js';

// Loading MJML takes seconds on a busy machine.
jest.setTimeout(60_000);

afterAll(endMjmlThread);

const aTemplate = (over: object): TemplateSource => ({ format: 'html', language: 'liquid', subject: 'Hi', preheader: null, body: '<p>Hi</p>', text: null, ...over });

async function refusal(over: object): Promise<{ pointer: string; code: string; detail: string }[]> {
  try {
    await compileTemplate(aTemplate(over));
  } catch (error) {
    expect(error).toBeInstanceOf(Problem);
    expect((error as Problem).status).toBe(422);
    return [...(error as Problem).errors];
  }
  return [];
}

const mjml = (inside: string): object => ({ format: 'mjml', body: `<mjml><mj-body>${inside}</mj-body></mjml>` });

describe('a template is refused with the place of the fault', () => {
  test.each([
    ['an unclosed tag in the subject', { subject: '{% if x %}' }, '/subject', /not closed/],
    ['an unclosed placeholder in the preheader', { preheader: '{{ x' }, '/preheader', /not closed/],
    ['an unknown filter in the text', { text: '{{ x | shout }}' }, '/text', /undefined filter: shout/],
    ['an unknown tag in the body', { body: '{% fly %}' }, '/body', /fly/],
    ['a value that wants to be markup', { body: '{{ x | raw }}' }, '/body', /undefined filter: raw/],
    ['an included file', { body: '{% include "/etc/passwd" %}' }, '/body', /stands alone/],
    ['a rendered file', { body: '{% render "x" %}' }, '/body', /stands alone/],
    ['a layout', { body: '{% layout "x" %}' }, '/body', /stands alone/],
    ['a placeholder without quotes', { body: '<a href={{ x }}>' }, '/body', /without quotes/],
    ['a placeholder in a script', { body: '<script>{{ x }}</script>' }, '/body', /in a script/],
    ['Handlebars: an unclosed block', { language: 'handlebars', body: '{{#if x}}' }, '/body', /Parse error|if/],
    ['Handlebars: an unescaped value', { language: 'handlebars', body: '<p>{{{x}}}</p>' }, '/body', /always escaped/],
    ['Handlebars: an unescaped value deep inside', { language: 'handlebars', body: '{{#each a}}{{#if b}}x{{else}}{{&x}}{{/if}}{{/each}}' }, '/body', /always escaped/],
    ['Handlebars: a partial', { language: 'handlebars', body: '{{> x}}' }, '/body', /stands alone/],
    ['Handlebars: an inline partial', { language: 'handlebars', body: '{{#*inline "x"}}{{/inline}}' }, '/body', /stands alone/],
    ['Handlebars: an unknown helper', { language: 'handlebars', body: '{{shout x}}' }, '/body', /shout/],
    ['Handlebars: the helper that logs', { language: 'handlebars', body: '{{log x}}' }, '/body', /log/],
    ['MJML: no MJML', { format: 'mjml', body: '<p>Hi</p>' }, '/body', /<mjml>/],
    ['MJML: an unknown element', mjml('<mj-section><mj-column><mj-fly/></mj-column></mj-section>'), '/body', /mj-fly/],
    ['MJML: an unknown attribute', mjml('<mj-section wings="2"></mj-section>'), '/body', /wings/],
    ['MJML: a misplaced element', mjml('<mj-text>x</mj-text>'), '/body', /mj-text/],
    ['MJML: an include', mjml('<mj-include path="/etc/hostname" type="css"/>'), '/body', /stands alone/],
    ['MJML: an include in capitals', mjml('<MJ-INCLUDE path="x"/>'), '/body', /stands alone/],
  ])('%s', async (_, over, pointer, detail) => {
    const [first] = await refusal(over);
    expect(first?.pointer).toBe(pointer);
    expect(first?.code).toBe('template_error');
    expect(first?.detail).toMatch(detail);
  });

  test('every wrong part is named', async () => {
    expect((await refusal({ subject: '{{', text: '{%', body: '{{ x | raw }}' })).map(({ pointer }) => pointer)).toEqual(['/subject', '/text', '/body']);
  });
});

describe('a template that is fine', () => {
  test('warns when Gmail would clip it', async () => {
    expect((await compileTemplate(aTemplate({ body: 'x'.repeat(102_400) }))).warnings).toEqual([]);
    expect((await compileTemplate(aTemplate({ body: 'x'.repeat(102_401) }))).warnings).toMatchObject([{ code: 'gmail_clip' }]);
  });

  test('in MJML is compiled to HTML with its placeholders', async () => {
    const { compiled } = await compileTemplate(aTemplate(mjml('<mj-section><mj-column><mj-text>Hi {{ profile.name }}</mj-text></mj-column></mj-section>')));
    expect(compiled).toContain('Hi {{ profile.name }}');
    expect(compiled).toMatch(/^\s*<!doctype html>/i);
    expect(compiled).not.toMatch(/<link|@import|googleapis/);
  });
});
