const LINE_BREAKS = /[\r\n\u0085\u2028\u2029\v\f]+/g;
/** Other control characters, and those that turn the direction of text, with which a subject can pose as another. */
const HIDDEN = /[\u0000-\u0008\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g;

/** Longer ones are cut: no mail program shows more, and a header has its limits. */
export const HEADER_TEXT_MAX = 500;

/** Text that may stand in a mail header: one line, no control characters, no more than is ever shown. */
export function headerText(text: string): string {
  const line = text.replace(LINE_BREAKS, ' ').replace(HIDDEN, '').replace(/\s+/g, ' ').trim();
  if (line.length <= HEADER_TEXT_MAX) return line;
  const cut = line.slice(0, HEADER_TEXT_MAX - 1);
  // Not through the middle of a surrogate pair.
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}
