import { simpleParser } from 'mailparser';

/** A caught mail as `GET /api/messages` shows it. */
export interface CaughtMail {
  readonly id: string;
  /** Envelope recipients: who would have got it, whatever the headers say. */
  readonly to: readonly string[];
  readonly from: string;
  readonly subject: string;
  /** ISO 8601 UTC with milliseconds. */
  readonly receivedAt: string;
  /** Unfolded, by lower-case name; of a repeated header the first. */
  readonly headers: { readonly [name: string]: string };
  /** Every header in the order of the mail, names as written, values unfolded. */
  readonly headerList: readonly (readonly [name: string, value: string])[];
  readonly text: string | null;
  readonly html: string | null;
  readonly amp: string | null;
  /** The mail as it came, bytes as Latin-1 where they are not UTF-8. */
  readonly raw: string;
}

/** Takes a mail apart as a mail program would. */
export async function readMail(id: string, raw: Buffer, envelope: { readonly from: string; readonly to: readonly string[] }, receivedMs: number): Promise<CaughtMail> {
  const parsed = await simpleParser(raw, { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true });
  const headerList = readHeaders(raw);
  const headers: { [name: string]: string } = Object.create(null);
  for (const [name, value] of headerList) headers[name.toLowerCase()] ??= value;
  const amp = parsed.attachments.find(({ contentType }) => contentType === 'text/x-amp-html');
  return {
    id,
    to: envelope.to,
    from: parsed.from?.value[0]?.address ?? envelope.from,
    subject: parsed.subject ?? '',
    receivedAt: new Date(receivedMs).toISOString(),
    headers: { ...headers },
    headerList,
    text: parsed.text ?? null,
    html: typeof parsed.html === 'string' ? parsed.html : null,
    amp: amp?.content.toString() ?? null,
    raw: decode(raw),
  };
}

/** The header block as it was sent, unfolded and otherwise untouched: what a test of headers must see. */
function readHeaders(raw: Buffer): [string, string][] {
  const text = decode(raw);
  const end = /\r?\n\r?\n/.exec(text)?.index ?? text.length;
  const unfolded = text.slice(0, end).replace(/\r?\n(?=[ \t])/g, '');
  return unfolded.split(/\r?\n/).flatMap((line): [string, string][] => {
    const colon = line.indexOf(':');
    return colon <= 0 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()]];
  });
}

function decode(raw: Buffer): string {
  const text = raw.toString('utf8');
  return text.includes('\ufffd') ? raw.toString('latin1') : text;
}
