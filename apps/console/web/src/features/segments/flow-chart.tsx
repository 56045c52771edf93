import type { Tally } from './tallies.js';
import { STEPS } from './tallies.js';
import styles from './flow-chart.module.css';

const WIDTH = 60;
const HALF = 9;
const STEP = WIDTH / STEPS;

/** Who came (up) and who went (down), the last minutes at a glance. The numbers stand beside it. */
export function FlowChart({ steps }: { readonly steps: Tally['steps'] }) {
  const most = Math.max(4, ...steps.flat());
  return (
    <svg className={styles.chart} width={WIDTH} height={2 * HALF + 1} viewBox={`0 0 ${WIDTH} ${2 * HALF + 1}`} aria-hidden="true">
      <path className={styles.zero} d={`M0 ${HALF + 0.5}H${WIDTH}`} />
      {steps.map(([entered, left], at) => (
        <g key={at}>
          {entered > 0 && <rect className={styles.entered} x={at * STEP + 0.4} width={STEP - 0.8} y={HALF - bar(entered, most)} height={bar(entered, most)} rx="0.6" />}
          {left > 0 && <rect className={styles.left} x={at * STEP + 0.4} width={STEP - 0.8} y={HALF + 1} height={bar(left, most)} rx="0.6" />}
        </g>
      ))}
    </svg>
  );
}

function bar(count: number, most: number): number {
  return Math.max(1.5, (count / most) * HALF);
}
