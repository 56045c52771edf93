/** An attribute of a start tag; `start` and `end` enclose its value without quotes. */
export interface HtmlAttribute {
  readonly name: string;
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** Where a placeholder (`{{…}}`) of a template stands. */
export type PlaceholderPlace = 'text' | 'quoted' | 'unquoted' | 'tag' | 'comment' | 'script' | 'style';

export interface HtmlVisitor {
  onStartTag?(name: string, attributes: readonly HtmlAttribute[], end: number): void;
  onEndTag?(name: string, start: number): void;
  onPlaceholder?(place: PlaceholderPlace, start: number): void;
}

/** Elements whose content is text up to their own end tag. */
const RAW_ELEMENTS = new Set(['script', 'style', 'title', 'textarea', 'xmp', 'iframe', 'noembed', 'noframes']);
const SPACE = /[\t\n\f\r ]/;

/**
 * Walks over the tags of an HTML text as a browser's tokenizer would, in one pass. What stands in comments, also in
 * Outlook's conditional ones, is not visited. With `onPlaceholder` the text is a template: `{{…}}` and `{%…%}` are then
 * skipped as one, whatever they hold. In a rendered mail they are a person's text and mean nothing.
 */
export function scanHtml(html: string, visitor: HtmlVisitor): void {
  let at = 0;
  while (at < html.length) {
    // In a rendered mail, text up to the next tag is of no interest.
    if (visitor.onPlaceholder === undefined) at = html.indexOf('<', at);
    if (at === -1) return;
    const afterTemplate = skipTemplate(html, at, 'text', visitor);
    if (afterTemplate > at) at = afterTemplate;
    else if (html.startsWith('<!--', at)) at = scanUntil(html, at + 4, '-->', 'comment', visitor);
    else if (html[at] === '<' && /[a-zA-Z]/.test(html[at + 1] ?? '')) at = scanElement(html, at, visitor);
    else if (html.startsWith('<{{', at)) at = Math.max(skipTemplate(html, at + 1, 'tag', visitor), at + 1);
    else if (html[at] === '<' && html[at + 1] === '/') at = scanEndTag(html, at, visitor);
    else if (html[at] === '<' && /[!?]/.test(html[at + 1] ?? '')) at = scanUntil(html, at + 2, '>', 'comment', visitor);
    else at += 1;
  }
}

/** Past a placeholder or template tag that begins here; `at` itself where none does. */
function skipTemplate(html: string, at: number, place: PlaceholderPlace, visitor: HtmlVisitor): number {
  if (html[at] !== '{' || visitor.onPlaceholder === undefined) return at;
  const opening = html[at + 1];
  if (opening !== '{' && opening !== '%') return at;
  const end = html.indexOf(opening === '{' ? '}}' : '%}', at + 2);
  if (end === -1) return at;
  if (opening === '{') visitor.onPlaceholder(place, at);
  return end + 2;
}

function scanUntil(html: string, from: number, ending: string, place: PlaceholderPlace, visitor: HtmlVisitor): number {
  if (visitor.onPlaceholder === undefined) {
    const end = html.indexOf(ending, from);
    return end === -1 ? html.length : end + ending.length;
  }
  let at = from;
  while (at < html.length && !html.startsWith(ending, at)) at = Math.max(skipTemplate(html, at, place, visitor), at + 1);
  return Math.min(at + ending.length, html.length);
}

function scanElement(html: string, start: number, visitor: HtmlVisitor): number {
  let at = start + 1;
  while (at < html.length && !/[\t\n\f\r />{]/.test(html[at] as string)) at += 1;
  const name = html.slice(start + 1, at).toLowerCase();
  const attributes: HtmlAttribute[] = [];
  while (at < html.length && html[at] !== '>') at = scanAttribute(html, at, attributes, visitor);
  at = Math.min(at + 1, html.length);
  visitor.onStartTag?.(name, attributes, at);
  return RAW_ELEMENTS.has(name) ? scanRaw(html, at, name, visitor) : at;
}

/** One attribute, or whatever else stands there; always moves on. */
function scanAttribute(html: string, start: number, attributes: HtmlAttribute[], visitor: HtmlVisitor): number {
  const afterTemplate = skipTemplate(html, start, 'tag', visitor);
  if (afterTemplate > start) return afterTemplate;
  let at = start;
  while (at < html.length && !/[\t\n\f\r />={]/.test(html[at] as string)) at += 1;
  if (at === start) return start + 1;
  const name = html.slice(start, at).toLowerCase();
  let equals = at;
  while (SPACE.test(html[equals] ?? '')) equals += 1;
  if (html[equals] !== '=') {
    attributes.push({ name, value: '', start: at, end: at });
    return at;
  }
  at = equals + 1;
  while (SPACE.test(html[at] ?? '')) at += 1;
  const quote = html[at];
  const isQuoted = quote === '"' || quote === "'";
  const valueStart = isQuoted ? at + 1 : at;
  const isEnd = (character: string): boolean => (isQuoted ? character === quote : character === '>' || SPACE.test(character));
  at = valueStart;
  while (at < html.length && !isEnd(html[at] as string)) at = Math.max(skipTemplate(html, at, isQuoted ? 'quoted' : 'unquoted', visitor), at + 1);
  attributes.push({ name, value: html.slice(valueStart, at), start: valueStart, end: at });
  return isQuoted ? Math.min(at + 1, html.length) : at;
}

function scanRaw(html: string, from: number, name: string, visitor: HtmlVisitor): number {
  const place: PlaceholderPlace = name === 'script' || name === 'style' ? name : 'text';
  const ending = `</${name}`;
  let at = from;
  while (at < html.length && html.slice(at, at + ending.length).toLowerCase() !== ending) at = Math.max(skipTemplate(html, at, place, visitor), at + 1);
  return at;
}

function scanEndTag(html: string, start: number, visitor: HtmlVisitor): number {
  const name = /^[a-zA-Z][^\t\n\f\r />]*/.exec(html.slice(start + 2, start + 66))?.[0].toLowerCase() ?? '';
  if (name !== '') visitor.onEndTag?.(name, start);
  return scanUntil(html, start + 2, '>', 'tag', visitor);
}
