import fc from 'fast-check';
import { type DefaultTreeAdapterTypes, parse } from 'parse5';
import { endMjmlThread } from './compile-mjml.js';
import { compileTemplate, type TemplateSource } from './compile-template.js';
import { compiledTemplate, renderMessage } from './render-message.js';

// Loading MJML takes seconds on a busy machine.
jest.setTimeout(60_000);

afterAll(endMjmlThread);

type Node = DefaultTreeAdapterTypes.Node;

/** The elements and attribute names of a document, without the values of text and attributes. */
function skeleton(html: string): string {
  const parts: string[] = [];
  const walk = (node: Node): void => {
    if (node.nodeName === '#comment') parts.push('comment');
    if (!('attrs' in node)) return 'childNodes' in node ? node.childNodes.forEach(walk) : undefined;
    parts.push(`${node.tagName}[${node.attrs.map(({ name }) => name).join()}]`);
    node.childNodes.forEach(walk);
    parts.push('/');
  };
  walk(parse(html));
  return parts.join(' ');
}

const HTML = (value: string): string => `<!doctype html><html><head><title>${value}</title><style>p { color: red }</style></head><body title="${value}">
  <h1>${value}</h1><p class='${value}'>Hello ${value}!<br><a href="https://x.example/${value}">${value}</a> <a href='${value}'>y</a></p>
  <!--[if mso]><p>${value}</p><![endif]--><table><tr><td>${value}</td></tr></table></body></html>`;

const MJML = (value: string): string => `<mjml><mj-body><mj-section><mj-column><mj-text>Hello ${value}</mj-text><mj-button href="${value}">${value}</mj-button>
  <mj-image src="https://x.example/${value}.png" alt="${value}"/></mj-column></mj-section></mj-body></mjml>`;

/** Pieces of markup beside any text: what an attacker would try, in any order. */
const hostile = fc.array(
  fc.oneof(
    fc.constantFrom('<', '>', '"', "'", '`', '=', '/', '&', '<script>', '</p>', '-->', '<!--', '--!>', ']]>', '<![endif]-->', ' onload=x', 'javascript:', '{{', '}}', '{%', '%}', '&lt;', '&#60;', '</title>', '</style>', '</mj-text><mj-raw>', '\u0000', '\r\n', '\u2028'),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
  ),
  { maxLength: 12 },
).map((parts) => parts.join(''));

const templates: [string, Pick<TemplateSource, 'language' | 'format' | 'body'>][] = [
  ['Liquid in HTML', { language: 'liquid', format: 'html', body: HTML('{{ profile.x }}') }],
  ['Handlebars in HTML', { language: 'handlebars', format: 'html', body: HTML('{{profile.x}}') }],
  ['Liquid in MJML', { language: 'liquid', format: 'mjml', body: MJML('{{ profile.x }}') }],
  ['Handlebars in MJML', { language: 'handlebars', format: 'mjml', body: MJML('{{profile.x}}') }],
  ['Liquid through filters', { language: 'liquid', format: 'html', body: HTML('{{ profile.x | upcase | append: "!" | downcase | strip }}') }],
  ['Liquid through a capture', { language: 'liquid', format: 'html', body: `{% capture c %}{{ profile.x }}{% endcapture %}${HTML('{{ c }}')}` }],
];

test.each(templates)('%s: no value adds an element, an attribute or a comment, nor a header', async (_, { language, format, body }) => {
  const placeholder = language === 'liquid' ? '{{ profile.x }}' : '{{profile.x}}';
  const source: TemplateSource = { language, format, body, subject: `Hi ${placeholder}`, preheader: placeholder, text: null };
  const { compiled } = await compileTemplate(source);
  const template = compiledTemplate({ ...source, workspace: 'ws_1', key: `${language}-${body.length}`, version: 1, compiled });
  const render = (x: string) => {
    const scope = { profile: { x }, unsubscribe_url: 'https://mail.example/u/1', preferences_url: 'https://mail.example/p/1' };
    return renderMessage(template, scope, { linkFor: (url) => `https://mail.example/c/${encodeURIComponent(url)}`, pixelUrl: 'https://mail.example/o/1.gif' });
  };
  const harmless = skeleton(render('x').html);
  fc.assert(
    fc.property(hostile, (value) => {
      const { html, subject, preheader } = render(value);
      expect(skeleton(html)).toBe(harmless);
      expect(html).not.toMatch(/(href|src)=["']\s*javascript:/i);
      expect(subject + preheader).not.toMatch(/[\r\n\u2028\u0000]/);
    }),
    { numRuns: 60 },
  );
});
