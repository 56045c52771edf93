import { type ReactNode, useEffect, useState } from 'react';
import { IconButton } from '../../design/button.js';
import { Icon } from '../../design/icon.js';
import { Banner, EmptyState, Skeleton } from '../../design/notice.js';
import { Panel } from '../../design/panel.js';
import { formatCompact, formatRate } from '../../format/format-number.js';
import type { Row } from './live-rows.js';
import type { LiveList as List } from './use-live-rows.js';
import styles from './live-list.module.css';

interface LiveListProps<Item> {
  readonly title: string;
  readonly list: List<Item>;
  readonly filter: string;
  readonly filterHint: string;
  /** Beside the field: what else narrows the list. */
  readonly narrowedBy?: ReactNode;
  onFilter(text: string): void;
  readonly empty: ReactNode;
  readonly className?: string;
  children(row: Row<Item>): ReactNode;
}

const FILTER_DELAY_MS = 350;

/** A panel of live rows: rate, filter, pause; it stands still while somebody points at it. */
export function LiveList<Item>({ title, list, filter, filterHint, narrowedBy, onFilter, empty, className, children }: LiveListProps<Item>) {
  const { rows, state, perSecond, waiting, leftOut, isPaused, isLoaded, setPaused, setHeld } = list;
  return (
    <Panel
      title={title}
      className={className ?? ''}
      aside={
        <span data-tip={leftOut > 0 ? `${formatCompact(leftOut)} matching more than anybody could read were left out here.\nCounts include them.` : 'All that happens, over the last 5 s'}>{formatRate(perSecond)}</span>
      }
      tools={
        <>
          {narrowedBy}
          <FilterField label={`Filter ${title.toLowerCase()}`} hint={filterHint} value={filter} onChange={onFilter} />
          <IconButton icon={isPaused ? 'play' : 'pause'} label={isPaused ? `Go on with ${title.toLowerCase()}` : `Pause ${title.toLowerCase()}`} aria-pressed={isPaused} onClick={() => setPaused(!isPaused)} />
        </>
      }
    >
      {state === 'log_unavailable' && <Banner tone="warning">The event log does not answer. New rows appear as soon as it does.</Banner>}
      {state === 'reconnecting' && <Banner tone="warning">The connection broke. Trying again; nothing that fits on this page is missed.</Banner>}
      {waiting > 0 && (
        <div className={styles.waiting}>
          <button type="button" className={styles.pill} onClick={() => (isPaused ? setPaused(false) : setHeld(false))}>
            <Icon name={isPaused ? 'pause' : 'clock'} size={13} />
            {isPaused ? 'Paused' : 'Holding still'} · {formatCompact(waiting)} new
          </button>
        </div>
      )}
      {!isLoaded && state !== 'log_unavailable' && rows.length === 0 && <Skeleton lines={6} label={`Loading ${title.toLowerCase()}`} />}
      {isLoaded && rows.length === 0 && (
        <EmptyState icon="pulse" title={filter === '' ? 'Nothing lately' : 'Nothing that matches yet'}>
          {filter === '' ? empty : 'What happens from now on is looked through. Rows appear here as they match.'}
        </EmptyState>
      )}
      {/* Too fast for a live region: what matters is announced by the state above and read by moving through the list. */}
      <ol
        className={styles.rows}
        aria-label={title}
        aria-live="off"
        onPointerEnter={(event) => event.pointerType === 'mouse' && setHeld(true)}
        onPointerLeave={() => setHeld(false)}
        onFocus={() => setHeld(true)}
        onBlur={(event) => !event.currentTarget.contains(event.relatedTarget) && setHeld(false)}
      >
        {rows.map(children)}
      </ol>
    </Panel>
  );
}

/** Reports after a moment's rest, so that not every letter opens a new stream. */
function FilterField({ label, hint, value, onChange }: { readonly label: string; readonly hint: string; readonly value: string; onChange(text: string): void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return undefined;
    const timer = window.setTimeout(() => onChange(text), FILTER_DELAY_MS);
    return () => window.clearTimeout(timer);
  }, [text, value, onChange]);
  return (
    <span className={styles.filter}>
      <Icon name="filter" size={13} />
      <input type="search" aria-label={label} placeholder={hint} value={text} maxLength={200} spellCheck={false} onChange={(event) => setText(event.target.value)} />
    </span>
  );
}
