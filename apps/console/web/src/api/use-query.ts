import { useCallback, useEffect, useRef, useState } from 'react';

export interface Query<Data> {
  /** The newest answer; stays while it is asked again, and when that fails. */
  readonly data: Data | null;
  /** Why the newest attempt failed. */
  readonly error: Error | null;
  readonly isLoading: boolean;
  reload(): void;
}

interface QueryOptions {
  /** Asked again so often, while the page is visible. */
  readonly everyMs?: number;
}

interface QueryState<Data> {
  readonly key: string | null;
  readonly data: Data | null;
  readonly error: Error | null;
}

/**
 * Asks for something and keeps it fresh. Another key is another question: what was known of the one before is dropped,
 * and answers that arrive for it are ignored.
 * @param key what is asked, as text; null asks nothing
 */
export function useQuery<Data>(key: string | null, ask: (signal: AbortSignal) => Promise<Data>, { everyMs }: QueryOptions = {}): Query<Data> {
  const [state, setState] = useState<QueryState<Data>>({ key, data: null, error: null });
  const [turn, setTurn] = useState(0);
  const asked = useRef(ask);
  asked.current = ask;

  useEffect(() => {
    if (key === null) return undefined;
    const abort = new AbortController();
    let timer = 0;
    const run = async () => {
      window.clearTimeout(timer);
      try {
        const data = await asked.current(abort.signal);
        if (!abort.signal.aborted) setState({ key, data, error: null });
      } catch (error) {
        if (abort.signal.aborted) return;
        setState((before) => ({ key, data: before.key === key ? before.data : null, error: error as Error }));
      }
      if (everyMs !== undefined && !abort.signal.aborted && !document.hidden) timer = window.setTimeout(run, everyMs);
    };
    const onVisible = () => !document.hidden && everyMs !== undefined && void run();
    document.addEventListener('visibilitychange', onVisible);
    void run();
    return () => {
      abort.abort();
      window.clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [key, everyMs, turn]);

  const reload = useCallback(() => setTurn((before) => before + 1), []);
  const isCurrent = state.key === key;
  const data = isCurrent ? state.data : null;
  const error = isCurrent ? state.error : null;
  return { data, error, isLoading: key !== null && data === null && error === null, reload };
}
