import { Liquid, Tag } from 'liquidjs';
import { formatMoney } from './format-money.js';
import { RENDER_MS_MAX } from './run-bounded.js';
import { type Renderer, type RenderMode, TemplateError } from './renderer.js';

const SOURCE_LENGTH_MAX = 1_000_000;
/** liquidjs counts array elements and characters that filters and loops make. */
const MEMORY_UNITS_MAX = 5_000_000;

/** Tags that read other files, or that mean nothing without files. */
const REFUSED_TAGS = ['include', 'render', 'layout', 'block'] as const;

const engines: { readonly [mode in RenderMode]: Liquid } = { html: createEngine('html'), plain: createEngine('plain') };

/**
 * Liquid. An unknown variable is empty, as Liquid's users expect (`{{ profile.name | default: "friend" }}`); what a mail
 * cannot do without is listed in the template's `required`. Unknown filters are errors when the template is saved.
 */
export function compileLiquid(source: string, mode: RenderMode): Renderer {
  const engine = engines[mode];
  try {
    const template = engine.parse(source);
    return (scope) => engine.renderSync(template, scope) as string;
  } catch (error) {
    throw new TemplateError(firstLine(error));
  }
}

function createEngine(mode: RenderMode): Liquid {
  const engine = new Liquid({
    ...(mode === 'html' ? { outputEscape: 'escape' as const } : {}),
    ownPropertyOnly: true,
    strictFilters: true,
    strictVariables: false,
    timezoneOffset: 'UTC',
    templates: {},
    dynamicPartials: false,
    relativeReference: false,
    parseLimit: SOURCE_LENGTH_MAX,
    renderLimit: RENDER_MS_MAX,
    memoryLimit: MEMORY_UNITS_MAX,
  });
  for (const name of REFUSED_TAGS) engine.registerTag(name, refuse(name));
  engine.registerFilter('money', formatMoney);
  // Would let a value into the mail as markup.
  delete engine.filters['raw'];
  return engine;
}

function refuse(name: string): Parameters<Liquid['registerTag']>[1] {
  return class extends Tag {
    constructor(...parts: ConstructorParameters<typeof Tag>) {
      super(...parts);
      throw new Error(`the tag "${name}" is not available: a template stands alone`);
    }
    // Never reached: the template does not parse.
    render(): void {}
  };
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] as string;
}
