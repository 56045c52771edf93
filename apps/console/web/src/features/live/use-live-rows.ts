import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { LiveRows, type LiveRowsOptions, type LiveView } from './live-rows.js';

export interface LiveList<Item> extends LiveView<Item> {
  readonly isPaused: boolean;
  setPaused(isPaused: boolean): void;
  /** Stands still as long as somebody points at it, so that what is pointed at does not run away. */
  setHeld(isHeld: boolean): void;
}

const NOTHING: LiveView<never> = { rows: [], state: 'connecting', perSecond: 0, waiting: 0, leftOut: 0, isLoaded: false };
const NO_SUBSCRIPTION = () => () => undefined;

/** A live stream as a list. Another match is another list. */
export function useLiveRows<Item>(options: LiveRowsOptions<Item>): LiveList<Item> {
  const { path, match } = options;
  const [rows, setRows] = useState<LiveRows<Item> | null>(null);
  const [isPaused, setPaused] = useState(false);
  const [isHeld, setHeld] = useState(false);
  const newest = useRef(options);
  newest.current = options;

  useEffect(() => {
    const opened = new LiveRows<Item>({ path, match, keyOf: (item) => newest.current.keyOf(item), onBatch: (batch) => newest.current.onBatch(batch) });
    setRows(opened);
    return () => opened.close();
  }, [path, match]);

  const isStopped = isPaused || isHeld;
  useEffect(() => {
    if (isStopped) rows?.stop();
    else rows?.goOn();
  }, [rows, isStopped]);

  const view = useSyncExternalStore(rows?.subscribe ?? NO_SUBSCRIPTION, rows?.view ?? (() => NOTHING as LiveView<Item>));
  return { ...view, isPaused, setPaused, setHeld };
}
