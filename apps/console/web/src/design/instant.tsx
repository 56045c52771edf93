import { formatExact, formatRelative } from '../format/format-instant.js';
import { useNow } from './now.js';

interface InstantProps {
  /** ISO 8601. */
  readonly at: string;
  /** `ago`: "2 min ago", for sentences; `short`: "2 min", for columns. */
  readonly form?: 'ago' | 'short';
}

/** How long ago, kept up to date; exactly when, on hover and for screen readers. */
export function Instant({ at, form = 'short' }: InstantProps) {
  const atMs = Date.parse(at);
  const nowMs = useNow();
  if (Number.isNaN(atMs)) return <>unknown</>;
  return (
    <time dateTime={at} data-tip={formatExact(atMs)}>
      {formatRelative(atMs, nowMs, form)}
    </time>
  );
}
