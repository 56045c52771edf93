import { type FieldProblem, Problem, refused } from '@tributary/service/problem';

/** Who comes on a list and who goes; `replace`: everybody else goes. */
export interface MembersChange {
  readonly add: readonly string[];
  readonly remove: readonly string[];
  readonly replace: boolean;
}

/** References in one request. */
const REFS_MAX = 50_000;
const REF_LENGTH_MAX = 1_024;

/** @throws Problem 422 with a pointer to every wrong field */
export function readMembersChange(body: unknown, replace: boolean): MembersChange {
  const change = typeof body === 'string' ? { add: readCsv(body), remove: [], replace } : { ...readJson(body), replace };
  if (change.add.length + change.remove.length > REFS_MAX) throw new Problem(413, 'too_large', `Send at most ${REFS_MAX} references at a time.`);
  return change;
}

function readJson(body: unknown): Omit<MembersChange, 'replace'> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw refused([{ pointer: '', code: 'wrong_type', detail: 'Send {"add": […], "remove": […]}, or text/csv with the column "ref".' }]);
  const { add = [], remove = [], ...others } = body as { readonly add?: unknown; readonly remove?: unknown };
  const errors: FieldProblem[] = [
    ...Object.keys(others).map((field) => ({ pointer: `/${field}`, code: 'unknown_field', detail: 'Only "add" and "remove" are known here.' })),
    ...checkRefs(add, '/add'),
    ...checkRefs(remove, '/remove'),
  ];
  if (errors.length > 0) throw refused(errors);
  return { add: add as string[], remove: remove as string[] };
}

function checkRefs(refs: unknown, pointer: string): FieldProblem[] {
  if (!Array.isArray(refs)) return [{ pointer, code: 'wrong_type', detail: 'Give a list of profile references such as "userId:42".' }];
  const wrong = refs.findIndex((ref) => !isRef(ref));
  return wrong === -1 ? [] : [{ pointer: `${pointer}/${wrong}`, code: 'malformed_ref', detail: 'Name a profile by its id or as <identifier type>:<value>, e.g. userId:42.' }];
}

function readCsv(text: string): string[] {
  const [header, ...lines] = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (header === undefined || unquote(header).toLowerCase() !== 'ref') throw refused([{ pointer: '', code: 'missing_column', detail: 'The first line names the one column: ref.' }]);
  const refs: string[] = [];
  lines.forEach((line, index) => {
    if (line.trim() === '') return;
    const ref = unquote(line);
    if (!isRef(ref)) throw refused([{ pointer: `/${index + 1}`, code: 'malformed_ref', detail: `Line ${index + 2} is no profile reference; write one such as userId:42 on each line.` }]);
    refs.push(ref);
  });
  return refs;
}

function unquote(cell: string): string {
  const text = cell.trim();
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text;
}

/** As `parseRef` reads them: an id, or a type and a value. */
function isRef(ref: unknown): ref is string {
  if (typeof ref !== 'string' || ref.length > REF_LENGTH_MAX) return false;
  const colon = ref.indexOf(':');
  return colon === -1 ? UUID.test(ref) : colon > 0 && colon < ref.length - 1;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
