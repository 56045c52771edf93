/** One wrong field, as services name it. */
export interface FieldProblem {
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

/** An answer that is not a success. `message` is for people and says what to do. */
export class ApiProblem extends Error {
  constructor(
    /** 0 when there was no answer at all. */
    readonly status: number,
    readonly code: string,
    message: string,
    readonly errors: readonly FieldProblem[] = [],
  ) {
    super(message);
  }
}

const TIMEOUT_MS = 20_000;

let csrfToken = '';
let onSessionLost: () => void = () => undefined;

/** Set at login; goes along with everything that changes something. */
export function setCsrfToken(token: string): void {
  csrfToken = token;
}

/** Called when a request finds that nobody is logged in any more. */
export function whenSessionLost(listener: () => void): void {
  onSessionLost = listener;
}

interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/**
 * Asks the console's backend, under `/api`.
 * @throws ApiProblem for every answer that is not a success, and when there is none
 */
export async function request<Answer>(path: string, { method = 'GET', body, signal }: RequestOptions = {}): Promise<Answer> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const answer = await fetch(`/api${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...(method === 'GET' ? {} : { 'x-csrf-token': csrfToken }) },
    body: body === undefined ? null : JSON.stringify(body),
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new ApiProblem(0, 'no_answer', timeout.aborted ? 'The console did not answer in time.' : 'The console cannot be reached. Check your connection.');
  });
  if (!answer.ok) throw await toProblem(answer);
  return (answer.status === 204 ? undefined : await answer.json()) as Answer;
}

/** A part of a path: identifiers may contain anything. */
export function part(text: string): string {
  return encodeURIComponent(text);
}

async function toProblem(answer: Response): Promise<ApiProblem> {
  const body = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string; errors?: FieldProblem[] };
  const problem = new ApiProblem(answer.status, body.code ?? 'unknown', body.detail ?? `The answer was ${answer.status} without an explanation.`, body.errors ?? []);
  if (problem.code === 'login_needed') onSessionLost();
  return problem;
}
