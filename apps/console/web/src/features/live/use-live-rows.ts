import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { LiveBatch } from '../../api/live-connection.js';
import { LiveRows, type LiveView } from './live-rows.js';

export interface LiveList<Item> extends LiveView<Item> {
  readonly isPaused: boolean;
  setPaused(isPaused: boolean): void;
  /** Stands still as long as somebody points at it, so that what is pointed at does not run away. */
  setHeld(isHeld: boolean): void;
}

const NOTHING: LiveView<never> = { rows: [], state: 'connecting', perSecond: 0, waiting: 0, leftOut: 0, isLoaded: false };
const NO_SUBSCRIPTION = () => () => undefined;

/** A live stream as a list. Another match is another list. */
export function useLiveRows<Item>(path: string, match: string, onBatch?: (batch: LiveBatch<Item>) => void): LiveList<Item> {
  const [rows, setRows] = useState<LiveRows<Item> | null>(null);
  const [isPaused, setPaused] = useState(false);
  const [isHeld, setHeld] = useState(false);
  const listener = useRef(onBatch);
  listener.current = onBatch;

  useEffect(() => {
    const opened = new LiveRows<Item>(path, match, (batch) => listener.current?.(batch));
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
