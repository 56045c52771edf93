import { type ReactNode, useEffect, useRef } from 'react';
import { classes } from './class-names.js';
import styles from './panel.module.css';

interface PanelProps {
  readonly title: string;
  /** Beside the title: a count, a rate. */
  readonly aside?: ReactNode;
  /** At the right of the head: buttons, fields. */
  readonly tools?: ReactNode;
  readonly className?: string;
  /** Takes the focus whenever this changes, and gives it back when the panel goes. */
  readonly focusOn?: string;
  readonly children: ReactNode;
}

/** A titled region of a page; its body scrolls, its head stays. */
export function Panel({ title, aside, tools, className, focusOn, children }: PanelProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (focusOn === undefined) return undefined;
    const before = document.activeElement;
    heading.current?.focus({ preventScroll: true });
    return () => {
      // Not where the reader has gone elsewhere in the meantime.
      if (document.activeElement === document.body && before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, [focusOn]);
  return (
    <section className={classes(styles.panel, className)} aria-label={title}>
      <header className={styles.head}>
        <h2 className={styles.title} ref={heading} tabIndex={focusOn === undefined ? undefined : -1}>{title}</h2>
        {aside && <span className={classes(styles.aside, 'tabular')}>{aside}</span>}
        {tools && <div className={styles.tools}>{tools}</div>}
      </header>
      <div className={styles.body}>{children}</div>
    </section>
  );
}
