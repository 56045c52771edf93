import type { ReactNode } from 'react';
import { classes } from './class-names.js';
import styles from './chip.module.css';

export type ChipTone = 'neutral' | 'accent' | 'entered' | 'left' | 'warning' | 'danger';

interface ChipProps {
  readonly tone?: ChipTone;
  readonly tip?: string;
  readonly children: ReactNode;
}

/** A small word about the thing beside it. */
export function Chip({ tone = 'neutral', tip, children }: ChipProps) {
  return (
    <span className={classes(styles.chip, styles[tone])} data-tip={tip}>
      {children}
    </span>
  );
}
