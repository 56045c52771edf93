import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MailStore } from './mail-store.memory.js';
import { renderMail, renderMailList } from './mailbox-page.js';

const HTML_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; base-uri 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
};

/** A mail shown alone: no scripts, no origin, pictures from anywhere, links in a new tab. */
const MAIL_HEADERS = {
  ...HTML_HEADERS,
  'content-security-policy': "default-src 'none'; img-src * data:; style-src 'unsafe-inline' *; font-src *; sandbox allow-popups allow-popups-to-escape-sandbox",
};

const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

/** The mailbox's page and API. Where it listens on this machine only, it answers under this machine's names only. */
export function answerMailboxRequest(store: MailStore, request: IncomingMessage, response: ServerResponse, listensOn: string): void {
  if (listensOn === '127.0.0.1' && !LOCAL_HOST.test(request.headers.host ?? '')) return problem(response, 400, 'unknown_host', 'Ask for the mailbox as localhost or 127.0.0.1.');
  const url = new URL(request.url ?? '/', 'http://mailbox');
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const [, first = '', second = '', third = ''] = url.pathname.split('/');
  if (method === 'DELETE' && url.pathname === '/api/messages') {
    store.clear();
    response.writeHead(204).end();
  } else if (method !== 'GET') problem(response, 404, 'not_found', 'There is nothing at this address.');
  else if (url.pathname === '/api/messages') sendMessages(store, url.searchParams, response);
  else if (first === 'health' && (second === 'ready' || second === 'live')) send(response, 200, { 'content-type': 'application/json' }, '{"ready":true}');
  else if (url.pathname === '/') send(response, 200, HTML_HEADERS, renderMailList(store.list({ to: url.searchParams.get('to') ?? undefined })));
  else if (first === 'messages') showMail(store, second, third, response);
  else problem(response, 404, 'not_found', 'There is nothing at this address.');
}

/** Written one by one: thousands of mails never stand in memory as one text. */
function sendMessages(store: MailStore, query: URLSearchParams, response: ServerResponse): void {
  const since = query.get('since');
  const sinceMs = since === null ? undefined : Date.parse(since);
  if (Number.isNaN(sinceMs)) return problem(response, 400, 'malformed_since', 'since must be an ISO 8601 instant.');
  const mails = store.list({ to: query.get('to') ?? undefined, sinceMs });
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  let next = 0;
  const write = (): void => {
    while (next < mails.length) {
      const isRoomLeft = response.write(`${next === 0 ? '[' : ','}${JSON.stringify(mails[next])}`);
      next += 1;
      if (!isRoomLeft) return void response.once('drain', write);
    }
    response.end(mails.length === 0 ? '[]' : ']');
  };
  write();
}

function showMail(store: MailStore, id: string, part: string, response: ServerResponse): void {
  const mail = store.find(id);
  if (mail === undefined) return problem(response, 404, 'not_found', 'There is no such mail (any more).');
  if (part === '') return send(response, 200, HTML_HEADERS, renderMail(mail));
  if (part === 'html') return send(response, 200, MAIL_HEADERS, mail.html ?? '');
  if (part === 'raw') return send(response, 200, { 'content-type': 'text/plain; charset=utf-8' }, mail.raw);
  problem(response, 404, 'not_found', 'A mail has the parts html and raw.');
}

function send(response: ServerResponse, status: number, headers: { readonly [name: string]: string }, body: string): void {
  response.writeHead(status, { 'x-content-type-options': 'nosniff', ...headers }).end(body);
}

function problem(response: ServerResponse, status: number, code: string, detail: string): void {
  send(response, status, { 'content-type': 'application/problem+json' }, JSON.stringify({ type: 'about:blank', title: code.replaceAll('_', ' '), status, code, detail }));
}
