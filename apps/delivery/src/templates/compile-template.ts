import { checkPlaceholders } from '@tributary/domain/delivery/check-placeholders';
import { type FieldProblem, refused } from '@tributary/service/problem';
import { compileMjml } from './compile-mjml.js';
import type { Template, TemplateWarning } from './template.entity.js';
import { TemplateError } from './renderer.js';
import { compileSource } from './template-engine.js';

/** What an author writes. */
export type TemplateSource = Pick<Template, 'format' | 'language' | 'subject' | 'preheader' | 'body' | 'text'>;

/** Gmail shows the first 102 KB of a mail and hides the rest, the unsubscribe link too. */
export const CLIPPED_ABOVE_BYTES = 102_400;

/** Follows the preheader, so that programs which show more text than it has show nothing instead of the body. */
const FILLER = '&#847;&zwnj;&nbsp;'.repeat(60);

const PREHEADER_STYLE = 'display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;mso-hide:all';

/**
 * Turns what was written into HTML with placeholders, once for each save, and tries every part.
 * @throws Problem 422 with a pointer to each part that is wrong
 */
export async function compileTemplate(source: TemplateSource): Promise<{ compiled: string; warnings: TemplateWarning[] }> {
  const problems: FieldProblem[] = [];
  const attempt = (pointer: string, work: () => void): void => {
    try {
      work();
    } catch (error) {
      problems.push(toFieldProblem(pointer, error));
    }
  };
  for (const part of ['subject', 'preheader', 'text'] as const) {
    const text = source[part];
    if (text !== null) attempt(`/${part}`, () => void compileSource(source.language, text, 'plain'));
  }
  // Before MJML sees it, so that lines are the author's.
  attempt('/body', () => void compileSource(source.language, source.body, 'html'));
  if (problems.length > 0) throw refused(problems);
  try {
    const html = source.format === 'mjml' ? await compileMjml(source.body) : source.body;
    const compiled = source.preheader === null ? html : insertPreheader(html);
    compileSource(source.language, compiled, 'html');
    checkPlaces(compiled);
    return { compiled, warnings: warningsOf(compiled) };
  } catch (error) {
    throw error instanceof TemplateError ? refused([toFieldProblem('/body', error)]) : error;
  }
}

export function warningsOf(html: string): TemplateWarning[] {
  const bytes = Buffer.byteLength(html);
  if (bytes <= CLIPPED_ABOVE_BYTES) return [];
  return [{ code: 'gmail_clip', detail: `The HTML has ${bytes} bytes; Gmail hides what comes after ${CLIPPED_ABOVE_BYTES}. Shorten it.` }];
}

function checkPlaces(compiled: string): void {
  const [fault] = checkPlaceholders(compiled);
  if (fault === undefined) return;
  const where = fault.place === 'script' ? 'in a script' : fault.place === 'unquoted' ? 'in an attribute without quotes' : 'inside a tag';
  throw new TemplateError(`a placeholder stands ${where} (line ${fault.line} of the HTML), where a value could become markup; put it in quotes or between tags`);
}

/** Hidden, and first in the body: what mail programs show beside the subject. Its text is a placeholder like others. */
function insertPreheader(html: string): string {
  const block = `<div class="preheader" style="${PREHEADER_STYLE}">{{ preheader }}${FILLER}</div>`;
  const body = /<body(?:[^>"']|"[^"]*"|'[^']*')*>/i.exec(html);
  const at = body === null ? 0 : body.index + body[0].length;
  return html.slice(0, at) + block + html.slice(at);
}

function toFieldProblem(pointer: string, error: unknown): FieldProblem {
  if (!(error instanceof TemplateError)) throw error;
  return { pointer, code: 'template_error', detail: `${pointer.slice(1)}: ${error.message}` };
}
