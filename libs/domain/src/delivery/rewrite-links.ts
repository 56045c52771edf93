import { scanHtml } from './scan-html.js';

/** Attributes that make a mail program fetch or open something. */
const URL_ATTRIBUTES = new Set(['href', 'src', 'action', 'formaction', 'background', 'poster', 'cite', 'data', 'xlink:href']);
const SAFE_SCHEMES = new Set(['http', 'https', 'mailto', 'tel', 'sms', 'cid']);
const IMAGE_DATA = /^data:image\/(png|gif|jpeg|webp);base64,/i;

/**
 * Points the links of a mail elsewhere. Addresses with a scheme that could run something (`javascript:`, from a value
 * of a profile perhaps) become `#`.
 * @param linkFor the new address of an `<a>` or `<area>` that leads to the web, or null to leave it
 */
export function rewriteLinks(html: string, linkFor: (url: string) => string | null): string {
  const edits: { readonly start: number; readonly end: number; readonly value: string }[] = [];
  scanHtml(html, {
    onStartTag(name, attributes) {
      for (const { name: attribute, value, start, end } of attributes) {
        if (!URL_ATTRIBUTES.has(attribute) || start === end) continue;
        const url = decodeAttribute(value).trim();
        if (!isSafeUrl(url)) edits.push({ start, end, value: '#' });
        else if (attribute === 'href' && (name === 'a' || name === 'area') && isWebUrl(url)) {
          const link = linkFor(url);
          if (link !== null) edits.push({ start, end, value: encodeAttribute(link) });
        }
      }
    },
  });
  let rewritten = '';
  let at = 0;
  for (const { start, end, value } of edits) {
    rewritten += html.slice(at, start) + value;
    at = end;
  }
  return rewritten + html.slice(at);
}

/** A link that leads to the web, which is all that a redirect may lead to. */
export function isWebUrl(url: string): boolean {
  return /^https?:\/\/[^\s/\\@?#]+([/?#]|$)/i.test(url);
}

/** No scheme, or a known one. Browsers ignore white space and control characters in a scheme; so does this. */
function isSafeUrl(url: string): boolean {
  const scheme = /^([^/?#:]*):/.exec(url.replace(/[\u0000-\u0020\u007f-\u009f\u00ad\u200b-\u200f]/g, ''))?.[1]?.toLowerCase();
  return scheme === undefined || SAFE_SCHEMES.has(scheme) || IMAGE_DATA.test(url);
}

const NAMED: { readonly [name: string]: string } = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", colon: ':', tab: '\t', newline: '\n', nbsp: '\u00a0', sol: '/', num: '#' };

/** What the attribute means, references resolved. */
export function decodeAttribute(value: string): string {
  return value.replace(/&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|([a-z]{2,8}));?/gi, (whole, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return NAMED[name.toLowerCase()] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\ufffd';
  });
}

/** Text as it stands in an attribute, with any quotes, and between tags. */
export function encodeAttribute(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;').replace(/'/g, '&#39;');
}
