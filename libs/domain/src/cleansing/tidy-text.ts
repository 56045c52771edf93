// Control characters, and marks that are invisible and mean nothing between letters. Zero-width joiners stay: some scripts
// and emoji need them.
const INVISIBLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u2060\ufeff\u00ad]/g;
const SPACES = /[\s\u00a0]+/g;

/** One line of text as a person would have written it: composed (NFC), without invisible characters or needless spaces. */
export function tidyText(text: string): string {
  return text.normalize('NFC').replace(INVISIBLE, '').replace(SPACES, ' ').trim();
}

/** The same line by line; lines that are empty go. */
export function tidyLines(text: string): string {
  return text.split(/\r\n|\r|\n/).map(tidyText).filter((line) => line !== '').join('\n');
}
