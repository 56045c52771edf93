/** One wrong field of a body: where, a stable code, and what to do. */
export interface FieldProblem {
  /** JSON Pointer into the request body. */
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

/**
 * An answer that is not a success, as RFC 9457 problem details (HTTP) or a status (gRPC). `code` is stable and
 * documented; `detail` says what to do and holds no personal data beyond what the caller sent.
 */
export class Problem extends Error {
  constructor(
    readonly status: 400 | 401 | 403 | 404 | 409 | 413 | 415 | 422 | 429 | 500 | 503,
    readonly code: string,
    readonly detail: string,
    readonly errors: readonly FieldProblem[] = [],
    readonly retryAfterSeconds?: number,
  ) {
    super(`${code}: ${detail}`);
  }
}

export const notFound = (what: string): Problem => new Problem(404, 'not_found', `There is no ${what} here. Check the key or id, and that it belongs to this workspace.`);

export const unauthorized = (): Problem => new Problem(401, 'unauthorized', 'Send a valid key of the kind that this endpoint takes: the admin key as "Authorization: Bearer …", or the write key for collection.');

/** A refused body; every wrong field is listed. */
export const refused = (errors: readonly FieldProblem[]): Problem => new Problem(422, 'refused', errors[0]?.detail ?? 'The request is understood but refused.', errors);
