import styles from './confluence.module.css';

const STREAMS = 11;
const WIDTH = 900;
const HEIGHT = 900;

/** Many streams that become one river. */
export function Confluence() {
  return (
    <svg className={styles.drawing} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="xMidYMid slice">
      {Array.from({ length: STREAMS }, (_, stream) => {
        const path = pathOf(stream);
        return (
          <g key={stream} style={{ opacity: 0.35 + 0.65 * (1 - Math.abs(stream - 5) / 6) }}>
            <path className={styles.bed} d={path} />
            <path className={styles.flow} d={path} style={{ animationDelay: `${-stream * 1.37}s`, animationDuration: `${7 + (stream % 4) * 1.6}s` }} />
          </g>
        );
      })}
    </svg>
  );
}

function pathOf(stream: number): string {
  const from = ((stream + 0.5) / STREAMS) * HEIGHT;
  const to = HEIGHT / 2 + (stream - (STREAMS - 1) / 2) * 9;
  const bend = 260 + (stream % 3) * 90;
  return `M-20 ${from} C ${bend} ${from}, ${bend + 60} ${to}, 640 ${to} S 840 ${to}, ${WIDTH + 20} ${to}`;
}
