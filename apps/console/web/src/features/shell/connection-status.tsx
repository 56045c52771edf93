import type { ConnectionState } from '../../api/live-connection.js';
import { getStatus } from '../../api/status.js';
import { useQuery } from '../../api/use-query.js';
import { classes } from '../../design/class-names.js';
import { Popover } from '../../design/popover.js';
import styles from './connection-status.module.css';

export interface ConnectionStatusProps {
  readonly streams: { readonly [name: string]: ConnectionState };
}

const STATUS_EVERY_MS = 10_000;

const TEXTS: { readonly [state in ConnectionState]: string } = {
  live: 'Live',
  connecting: 'Connecting',
  reconnecting: 'Reconnecting',
  log_unavailable: 'No event log',
  resting: 'Resting',
};

/** From worst to best: the worst stream says how it is. */
const ORDER: readonly ConnectionState[] = ['reconnecting', 'log_unavailable', 'connecting', 'resting', 'live'];

const SERVICE_TEXTS = { ready: 'ready', not_ready: 'not ready', silent: 'no answer' } as const;

/** Whether what is shown is what happens, and which part is missing if not. */
export function ConnectionStatus({ streams }: ConnectionStatusProps) {
  const { data, error } = useQuery('status', getStatus, { everyMs: STATUS_EVERY_MS });
  const worst = ORDER.find((state) => Object.values(streams).includes(state)) ?? 'connecting';
  const missing = data?.services.filter(({ state }) => state !== 'ready') ?? [];
  const isWell = worst === 'live' && missing.length === 0;
  const text = worst === 'live' && missing.length > 0 ? `${missing.length} of ${data?.services.length} services not ready` : TEXTS[worst];
  return (
    <Popover
      label={`Connection: ${text}`}
      className={classes(styles.pill, isWell ? styles.well : worst === 'live' || worst === 'reconnecting' || worst === 'log_unavailable' ? styles.ill : styles.waiting)}
      button={
        <>
          <span className={styles.dot} />
          <span className={styles.text} role="status">
            {text}
          </span>
        </>
      }
    >
      <dl className={styles.list}>
        {Object.entries(streams).map(([name, state]) => (
          <Line key={name} name={`${name} stream`} text={TEXTS[state].toLowerCase()} isWell={state === 'live'} />
        ))}
        <div className={styles.divider} />
        {data?.services.map(({ name, state }) => <Line key={name} name={name} text={SERVICE_TEXTS[state]} isWell={state === 'ready'} />)}
        {data === null && <p className={styles.faint}>{error === null ? 'Asking the services…' : error.message}</p>}
      </dl>
    </Popover>
  );
}

function Line({ name, text, isWell }: { readonly name: string; readonly text: string; readonly isWell: boolean }) {
  return (
    <div className={classes(styles.line, isWell ? styles.well : styles.ill)}>
      <span className={styles.dot} />
      <dt>{name}</dt>
      <dd>{text}</dd>
    </div>
  );
}
