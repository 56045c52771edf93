import { encodeAttribute, rewriteLinks } from '@tributary/domain/delivery/rewrite-links';
import { headerText } from '@tributary/domain/delivery/header-text';
import { compile } from 'html-to-text';
import type { Template } from './template.entity.js';
import type { Renderer, TemplateScope } from './renderer.js';
import { compileSource } from './template-engine.js';

export interface RenderedMessage {
  readonly subject: string;
  readonly preheader: string;
  readonly html: string;
  readonly text: string;
}

/** How links and opens are followed; left out in previews. */
export interface Tracking {
  linkFor(url: string): string;
  readonly pixelUrl: string;
}

export type CompiledTemplate = { readonly [part in 'subject' | 'html']: Renderer } & { readonly [part in 'preheader' | 'text']: Renderer | null };

/** Text that says what the HTML says, without what is hidden in it. */
const textOf = compile({
  wordwrap: 78,
  limits: { maxInputLength: 4_000_000, maxDepth: 200 },
  selectors: [
    ...['.preheader', '[style*="display:none"]', '[style*="display: none"]', 'img'].map((selector) => ({ selector, format: 'skip' })),
    ...['h1', 'h2', 'h3'].map((selector) => ({ selector, options: { uppercase: false } })),
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true, ignoreHref: false } },
  ],
});

const COMPILED_MAX = 200;
const compiledTemplates = new Map<string, CompiledTemplate>();

/** Ready to render; of the versions used last, {@link COMPILED_MAX} are kept. */
export function compiledTemplate(template: Pick<Template, 'workspace' | 'key' | 'version' | 'language' | 'subject' | 'preheader' | 'text' | 'compiled'>): CompiledTemplate {
  const id = JSON.stringify([template.workspace, template.key, template.version]);
  const known = compiledTemplates.get(id);
  if (known !== undefined) {
    compiledTemplates.delete(id);
    compiledTemplates.set(id, known);
    return known;
  }
  const plain = (source: string | null): Renderer | null => (source === null ? null : compileSource(template.language, source, 'plain'));
  const compiled: CompiledTemplate = {
    subject: compileSource(template.language, template.subject, 'plain'),
    preheader: plain(template.preheader),
    html: compileSource(template.language, template.compiled, 'html'),
    text: plain(template.text),
  };
  if (compiledTemplates.size >= COMPILED_MAX) compiledTemplates.delete(compiledTemplates.keys().next().value as string);
  compiledTemplates.set(id, compiled);
  return compiled;
}

/**
 * One person's mail. The unsubscribe link is in the HTML and in the text, whatever the template says.
 * @throws Error when the template passes its limits for this person
 */
export function renderMessage(template: CompiledTemplate, scope: TemplateScope, tracking: Tracking | null): RenderedMessage {
  const subject = headerText(template.subject(scope));
  const preheader = template.preheader === null ? '' : headerText(template.preheader(scope));
  const unsubscribeUrl = String(scope['unsubscribe_url']);
  const preferencesUrl = String(scope['preferences_url']);
  const html = withFooter(template.html({ ...scope, preheader }), unsubscribeUrl, preferencesUrl);
  const text = template.text === null ? textOf(html) : template.text(scope);
  const ownUrls = new Set([unsubscribeUrl, preferencesUrl]);
  const linked = rewriteLinks(html, (url) => (tracking === null || ownUrls.has(url) ? null : tracking.linkFor(url)));
  return {
    subject,
    preheader,
    html: tracking === null ? linked : withPixel(linked, tracking.pixelUrl),
    text: text.includes(unsubscribeUrl) ? text : `${text.trimEnd()}\n\n--\nUnsubscribe: ${unsubscribeUrl}\n`,
  };
}

function withFooter(html: string, unsubscribeUrl: string, preferencesUrl: string): string {
  if (html.includes(encodeAttribute(unsubscribeUrl)) || html.includes(unsubscribeUrl)) return html;
  const style = 'font-family:sans-serif;font-size:12px;line-height:18px;color:#595959;text-align:center;margin:24px 16px';
  return insertAtEnd(
    html,
    `<p style="${style}"><a href="${encodeAttribute(unsubscribeUrl)}" style="color:#595959">Unsubscribe</a> &middot; <a href="${encodeAttribute(preferencesUrl)}" style="color:#595959">Preferences</a></p>`,
  );
}

function withPixel(html: string, url: string): string {
  return insertAtEnd(html, `<img src="${encodeAttribute(url)}" width="1" height="1" alt="" style="display:block;border:0;width:1px;height:1px">`);
}

function insertAtEnd(html: string, block: string): string {
  const at = [...html.matchAll(/<\/body>/gi)].at(-1)?.index;
  return at === undefined ? html + block : html.slice(0, at) + block + html.slice(at);
}
