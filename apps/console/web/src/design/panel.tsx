import type { ReactNode } from 'react';
import { classes } from './class-names.js';
import styles from './panel.module.css';

interface PanelProps {
  readonly title: string;
  /** Beside the title: a count, a rate. */
  readonly aside?: ReactNode;
  /** At the right of the head: buttons, fields. */
  readonly tools?: ReactNode;
  readonly className?: string;
  readonly children: ReactNode;
}

/** A titled region of a page; its body scrolls, its head stays. */
export function Panel({ title, aside, tools, className, children }: PanelProps) {
  return (
    <section className={classes(styles.panel, className)} aria-label={title}>
      <header className={styles.head}>
        <h2 className={styles.title}>{title}</h2>
        {aside && <span className={styles.aside}>{aside}</span>}
        {tools && <div className={styles.tools}>{tools}</div>}
      </header>
      <div className={styles.body}>{children}</div>
    </section>
  );
}
