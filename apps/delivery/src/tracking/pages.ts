import { encodeAttribute } from '@tributary/domain/delivery/rewrite-links';

/** What a page says; everything is plain text. */
export interface Page {
  readonly title: string;
  readonly text: string;
  /** A button that posts back to the page's own address. */
  readonly action?: { readonly label: string; readonly name: string; readonly value: string };
}

const STYLE = `body{margin:0;background:#f4f5f7;color:#1c2430;font:16px/1.5 system-ui,sans-serif}
main{max-width:30rem;margin:12vh auto 0;padding:2rem;background:#fff;border-radius:12px;box-shadow:0 1px 4px #0002}
h1{font-size:1.375rem;line-height:1.3;margin:0 0 .75rem}p{margin:0 0 1.25rem}
button{font:inherit;font-weight:600;padding:.65rem 1.25rem;border:0;border-radius:8px;background:#1c4ed8;color:#fff;cursor:pointer}
button:focus-visible{outline:3px solid #93b4ff;outline-offset:2px}`;

/** A small page without scripts. */
export function renderPage({ title, text, action }: Page): string {
  const form = action === undefined ? '' : `<form method="post"><button name="${encodeAttribute(action.name)}" value="${encodeAttribute(action.value)}">${encodeAttribute(action.label)}</button></form>`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex"><title>${encodeAttribute(title)}</title><style>${STYLE}</style></head><body><main><h1>${encodeAttribute(title)}</h1><p>${encodeAttribute(text)}</p>${form}</main></body></html>`;
}

/** Nothing is loaded, framed or remembered, and the address (which names the person) goes nowhere. */
export const PAGE_HEADERS: { readonly [name: string]: string } = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};
