import Handlebars from 'handlebars';
import { formatMoney } from './format-money.js';
import { type Renderer, type RenderMode, TemplateError } from './renderer.js';

/** Helpers that a template may name. `log` and the hooks for missing ones are not among them. */
const HELPERS = ['if', 'unless', 'each', 'with', 'lookup', 'default', 'equals', 'money'] as const;
const NESTING_MAX = 16;

/** Handlebars knows some of its own unless told otherwise. */
const KNOWN_HELPERS = {
  ...Object.fromEntries(HELPERS.map((helper) => [helper, true])),
  log: false, helperMissing: false, blockHelperMissing: false,
} as CompileOptions['knownHelpers'];

const engine = createEngine();

/**
 * Handlebars. Only strings are compiled, values come from own properties only, and nothing is unescaped: an abstract
 * syntax tree in place of a string, prototypes and `{{{x}}}` are how its injections worked.
 */
export function compileHandlebars(source: string, mode: RenderMode): Renderer {
  if (typeof source !== 'string') throw new TemplateError('a template is text');
  const options: CompileOptions = {
    noEscape: mode === 'plain',
    knownHelpers: KNOWN_HELPERS,
    knownHelpersOnly: true,
  };
  try {
    refuseUnsafe(engine.parse(source) as unknown as Node, 0);
    // Compiles at once, where Handlebars would wait for the first person.
    engine.precompile(source, options);
  } catch (error) {
    throw new TemplateError(error instanceof Error ? (error.message.split('\n')[0] as string) : String(error));
  }
  const render = engine.compile(source, options);
  return (scope) => render(scope, { allowProtoMethodsByDefault: false, allowProtoPropertiesByDefault: false });
}

function createEngine(): typeof Handlebars {
  const engine = Handlebars.create();
  engine.unregisterHelper('log');
  engine.registerHelper('default', (value: unknown, fallback: unknown) => (value === undefined || value === null || value === '' ? fallback : value));
  engine.registerHelper('money', (amount: unknown, currency: unknown) => formatMoney(amount, currency));
  engine.registerHelper('equals', function (this: unknown, left: unknown, right: unknown, options: Handlebars.HelperOptions) {
    if (typeof options?.fn !== 'function') return left === right;
    return left === right ? options.fn(this) : options.inverse(this);
  });
  return engine;
}

interface Node {
  readonly type?: string;
  readonly escaped?: boolean;
  readonly loc?: { readonly start: { readonly line: number } };
  readonly [field: string]: unknown;
}

/** Walks the tree. @throws Error naming the line */
function refuseUnsafe(node: Node, depth: number): void {
  const where = node.loc === undefined ? '' : ` (line ${node.loc.start.line})`;
  if (depth > NESTING_MAX * 2) throw new Error(`blocks are nested deeper than ${NESTING_MAX}${where}`);
  if (node.type === 'MustacheStatement' && node.escaped === false) throw new Error(`values are always escaped: write {{x}} instead of {{{x}}}${where}`);
  if (/Partial|Decorator/.test(node.type ?? '')) throw new Error(`partials and decorators are not available: a template stands alone${where}`);
  for (const field of ['body', 'program', 'inverse'] as const) {
    const child = node[field];
    if (Array.isArray(child)) for (const statement of child) refuseUnsafe(statement as Node, depth + 1);
    else if (typeof child === 'object' && child !== null) refuseUnsafe(child as Node, depth + 1);
  }
}
