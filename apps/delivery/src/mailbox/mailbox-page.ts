import { encodeAttribute as text } from '@tributary/domain/delivery/rewrite-links';
import type { CaughtMail } from './caught-mail.js';

const SHOWN_MAX = 500;

const STYLE = `:root{color-scheme:light}body{margin:0;background:#f4f5f7;color:#1c2430;font:15px/1.5 system-ui,sans-serif}
header,main{max-width:70rem;margin:0 auto;padding:1rem 1.5rem}header{display:flex;gap:1rem;align-items:baseline;flex-wrap:wrap}
h1{font-size:1.25rem;margin:0}header p{margin:0;color:#566072}a{color:#1c4ed8}
table{width:100%;border-collapse:collapse;background:#fff;border-radius:10px;overflow:hidden;box-shadow:0 1px 3px #0002}
th,td{text-align:left;padding:.6rem .9rem;border-bottom:1px solid #e6e8ec;vertical-align:top}th{font-weight:600;color:#566072;background:#fafbfc}
td:last-child,th:last-child{white-space:nowrap}dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:0 0 1rem}dt{color:#566072}dd{margin:0;overflow-wrap:anywhere}
iframe{width:100%;height:48rem;border:1px solid #d9dde3;border-radius:10px;background:#fff}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#fff;padding:1rem;border-radius:10px}`;

/** Every mail that was caught, newest first. */
export function renderMailList(mails: readonly CaughtMail[]): string {
  const rows = mails.slice(0, SHOWN_MAX).map(
    (mail) => `<tr><td><a href="/messages/${mail.id}">${text(mail.subject || '(no subject)')}</a></td><td>${text(mail.to.join(', '))}</td><td>${text(mail.from)}</td><td>${mail.receivedAt}</td></tr>`,
  );
  const body = mails.length === 0
    ? '<p>No mail yet. What the product sends shows up here.</p>'
    : `<table><thead><tr><th scope="col">Subject</th><th scope="col">To</th><th scope="col">From</th><th scope="col">Received</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
  return renderDocument('Mailbox', `<header><h1>Mailbox</h1><p>${mails.length} mails, caught and not delivered. As JSON: <a href="/api/messages">/api/messages</a></p></header><main>${body}</main>`);
}

/** One mail: headers, its HTML in a frame that can do nothing, its text. */
export function renderMail(mail: CaughtMail): string {
  const facts: [string, string][] = [['From', mail.from], ['To', mail.to.join(', ')], ['Received', mail.receivedAt], ...mail.headerList.filter(([name]) => /^(list-|message-id|feedback-id)/i.test(name)).map(([name, value]): [string, string] => [name, value])];
  const frame = mail.html === null ? '' : `<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" src="/messages/${mail.id}/html" title="The mail as HTML"></iframe>`;
  return renderDocument(
    mail.subject,
    `<header><h1>${text(mail.subject || '(no subject)')}</h1><p><a href="/">All mails</a> · <a href="/messages/${mail.id}/raw">As it came</a></p></header>
<main><dl>${facts.map(([name, value]) => `<dt>${text(name)}</dt><dd>${text(value)}</dd>`).join('')}</dl>${frame}${mail.text === null ? '' : `<h2>Plain text</h2><pre>${text(mail.text)}</pre>`}</main>`,
  );
}

function renderDocument(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${text(title)}</title><style>${STYLE}</style></head><body>${body}</body></html>`;
}
