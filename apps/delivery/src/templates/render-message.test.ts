import { endMjmlThread } from './compile-mjml.js';
import { compileTemplate, type TemplateSource } from './compile-template.js';
import { compiledTemplate, type RenderedMessage, renderMessage, type Tracking } from './render-message.js';
import type { TemplateScope } from './renderer.js';

// Loading MJML takes seconds on a busy machine.
jest.setTimeout(60_000);

afterAll(endMjmlThread);

const URLS = { unsubscribe_url: 'http://mail.example/u/TOKEN', preferences_url: 'http://mail.example/p/TOKEN' };

const tracking: Tracking = { linkFor: (url) => `http://mail.example/c/${Buffer.from(url).toString('base64url')}`, pixelUrl: 'http://mail.example/o/TOKEN.gif' };

let versions = 0;

async function render(over: Partial<TemplateSource>, scope: TemplateScope = {}, how: Tracking | null = null): Promise<RenderedMessage> {
  const source: TemplateSource = { format: 'html', language: 'liquid', subject: 'Hi', preheader: null, body: '<p>Hi</p>', text: null, ...over };
  const { compiled } = await compileTemplate(source);
  versions += 1;
  const template = compiledTemplate({ ...source, workspace: 'ws_1', key: 'k', version: versions, compiled });
  return renderMessage(template, { ...URLS, ...scope }, how);
}

const ann = { profile: { firstName: 'Ann', cart: [{ name: 'Mug', price: 8 }, { name: '<Pen>', price: 2.5 }] }, scores: { engagement: 52.5 } };

describe.each([
  ['liquid', { greeting: '{{ profile.firstName | default: "friend" }}', loop: '{% for item in profile.cart %}<li>{{ item.name }} {{ item.price }}</li>{% endfor %}', score: '{% if scores.engagement > 50 %}hot{% else %}cold{% endif %}' }],
  ['handlebars', { greeting: '{{default profile.firstName "friend"}}', loop: '{{#each profile.cart}}<li>{{name}} {{price}}</li>{{/each}}', score: '{{#if scores.engagement}}hot{{else}}cold{{/if}}' }],
] as const)('a template in %s', (language, { greeting, loop, score }) => {
  test('says a value, or what stands in for it', async () => {
    expect((await render({ language, subject: `Hello ${greeting}` }, ann)).subject).toBe('Hello Ann');
    expect((await render({ language, subject: `Hello ${greeting}` }, { profile: {} })).subject).toBe('Hello friend');
  });

  test('escapes values in HTML', async () => {
    const { html } = await render({ language, body: `<ul>${loop}</ul>` }, ann);
    expect(html).toContain('<li>Mug 8</li><li>&lt;Pen&gt; 2.5</li>');
  });

  test('leaves values of subject and text as they are', async () => {
    const value = 'Tom & "Jerry" <x>';
    const { subject, text } = await render({ language, subject: greeting, text: `Dear ${greeting}` }, { profile: { firstName: value } });
    expect(subject).toBe(value);
    expect(text).toContain(`Dear ${value}`);
  });

  test('decides by scores', async () => {
    expect((await render({ language, body: `<p>${score}</p>` }, ann)).html).toContain('<p>hot</p>');
    expect((await render({ language, body: `<p>${score}</p>` }, { scores: {} })).html).toContain('<p>cold</p>');
  });

  test('has its subject on one line whatever the value holds', async () => {
    const { subject, preheader } = await render({ language, subject: `Hi ${greeting}`, preheader: greeting }, { profile: { firstName: 'Ann\r\nBcc: eve@e.example' } });
    expect(subject).toBe('Hi Ann Bcc: eve@e.example');
    expect(preheader).toBe('Ann Bcc: eve@e.example');
  });

  test('sees nothing that is inherited', async () => {
    const expressions = language === 'liquid' ? ['{{ profile.constructor }}', '{{ profile.__proto__ }}', '{{ profile.toString }}'] : ['{{profile.constructor}}', '{{profile.__proto__}}', '{{lookup profile "constructor"}}', '{{profile.toString}}'];
    for (const expression of expressions) expect((await render({ language, subject: `[${expression}]` }, ann)).subject).toBe('[]');
  });
});

test.each([
  ['liquid', '{{ profile.total | money: "EUR" }} {{ profile.total | money }} {{ profile.none | money: "EUR" }} {{ profile.word | money: "EUR" }} {{ profile.total | money: "NOPE" }}'],
  ['handlebars', '{{money profile.total "EUR"}} {{money profile.total}} {{money profile.none "EUR"}} {{money profile.word "EUR"}} {{money profile.total "NOPE"}}'],
] as const)('an amount in %s is written as people write it', async (language, subject) => {
  expect((await render({ language, subject }, { profile: { total: 1042.5, word: 'many' } })).subject).toBe('€1,042.50 1042.50 many 1042.50');
});

describe('a mail', () => {
  test('has its preheader first in the body, hidden, and not in the text', async () => {
    const { html, text, preheader } = await render({ body: '<html><body class="a>b"><h1>News</h1></body></html>', preheader: 'Only for {{ profile.firstName }} & friends' }, ann);
    expect(preheader).toBe('Only for Ann & friends');
    expect(html).toMatch(/^<html><body class="a>b"><div class="preheader" style="display:none;[^"]*mso-hide:all">Only for Ann &amp; friends(&#847;&zwnj;&nbsp;)+<\/div><h1>/);
    expect(text).toMatch(/^News\n/);
    expect(text).not.toContain('Only for Ann');
  });

  test('has its text made from the HTML, links included, hidden parts not', async () => {
    const { text } = await render({ body: '<h1>Big News</h1><div style="display:none">secret</div><p>See <a href="https://shop.example/x">the shop</a></p>' });
    expect(text).toContain('Big News');
    expect(text).toContain('the shop [https://shop.example/x]');
    expect(text).not.toContain('secret');
  });

  test('has the unsubscribe link in HTML and text even if the template forgot it', async () => {
    const { html, text } = await render({ body: '<body><p>Hi</p></body>', text: 'Hi' });
    expect(html).toMatch(/<a href="http:\/\/mail\.example\/u\/TOKEN"[^>]*>Unsubscribe<\/a>.*<\/body>$/);
    expect(text).toBe('Hi\n\n--\nUnsubscribe: http://mail.example/u/TOKEN\n');
  });

  test('has no second unsubscribe link where the template has one', async () => {
    const { html, text } = await render({ body: '<p><a href="{{ unsubscribe_url }}">Stop</a></p>' }, {}, tracking);
    expect(html.match(/\/u\/TOKEN/g)).toHaveLength(1);
    expect(text.match(/\/u\/TOKEN/g)).toHaveLength(1);
  });

  test('leads through tracked links, except to unsubscribe and to preferences', async () => {
    const { html, text } = await render({ body: '<a href="https://shop.example/?a=1&amp;b={{ profile.firstName }}">x</a><a href="{{ preferences_url }}">p</a>' }, ann, tracking);
    expect(html).toContain(`<a href="http://mail.example/c/${Buffer.from('https://shop.example/?a=1&b=Ann').toString('base64url')}">`);
    expect(html).toContain('<a href="http://mail.example/p/TOKEN">');
    expect(text).toContain('https://shop.example/?a=1&b=Ann');
  });

  test('has one pixel at its end when it is tracked, none in a preview', async () => {
    const body = '<body><p>Hi</p></body>';
    expect((await render({ body }, {}, tracking)).html).toMatch(/<img src="http:\/\/mail\.example\/o\/TOKEN\.gif"[^>]*><\/body>$/);
    expect((await render({ body })).html).not.toContain('<img');
  });

  test('puts out an address from a value that could run something', async () => {
    const { html } = await render({ body: '<a href="{{ profile.site }}">x</a>' }, { profile: { site: ' javascript:alert(1)' } }, tracking);
    expect(html).toContain('<a href="#">');
  });

  test('of MJML keeps the conditions and loops of the template language', async () => {
    const body = `<mjml lang="en"><mj-body><mj-section><mj-column>
      <mj-text>{% if scores.engagement > 50 %}Hot{% endif %} {{ profile.firstName }}</mj-text>
      <mj-raw>{% for item in profile.cart %}</mj-raw><mj-text>{{ item.name }}</mj-text><mj-raw>{% endfor %}</mj-raw>
      <mj-button href="https://shop.example/{{ profile.firstName }}">Go</mj-button>
    </mj-column></mj-section></mj-body></mjml>`;
    const { html, text } = await render({ format: 'mjml', body, preheader: 'Hidden' }, ann, tracking);
    expect(html).toContain('Hot Ann');
    expect(html).toContain('&lt;Pen&gt;');
    expect(html).toContain(`/c/${Buffer.from('https://shop.example/Ann').toString('base64url')}`);
    expect(html).toMatch(/<body[^>]*><div class="preheader"/);
    expect(text).toContain('Mug');
    expect(text).not.toContain('Hidden');
  });
});
