import { compileHandlebars } from './handlebars-engine.js';
import { compileLiquid } from './liquid-engine.js';
import type { Renderer, RenderMode } from './renderer.js';
import { runBounded } from './run-bounded.js';

export type TemplateLanguage = 'liquid' | 'handlebars';

/** A rendered mail larger than this is an error of the template. */
const RENDERED_LENGTH_MAX = 2_000_000;

/**
 * Compiles a template of either language.
 * @throws TemplateError for what cannot be parsed or is not allowed
 */
export function compileSource(language: TemplateLanguage, source: string, mode: RenderMode): Renderer {
  const render = language === 'liquid' ? compileLiquid(source, mode) : compileHandlebars(source, mode);
  return (scope) => {
    const text = runBounded(() => render(scope));
    if (text.length > RENDERED_LENGTH_MAX) throw new Error(`the rendered text is longer than ${RENDERED_LENGTH_MAX} characters`);
    return text;
  };
}
