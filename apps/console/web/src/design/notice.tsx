import type { ReactNode } from 'react';
import { Button } from './button.js';
import { classes } from './class-names.js';
import { Icon, type IconName } from './icon.js';
import styles from './notice.module.css';

interface NoticeProps {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ReactNode;
}

/** In place of content: there is none, and why. */
export function EmptyState({ icon, title, children }: NoticeProps) {
  return (
    <div className={styles.state}>
      <span className={styles.badge}>
        <Icon name={icon} size={18} />
      </span>
      <p className={styles.title}>{title}</p>
      {children && <div className={styles.text}>{children}</div>}
    </div>
  );
}

interface ErrorStateProps {
  readonly title: string;
  readonly error: Error;
  readonly onRetry?: () => void;
}

/** In place of content: it could not be had, what that means, and a way on. */
export function ErrorState({ title, error, onRetry }: ErrorStateProps) {
  return (
    <div className={styles.state} role="alert">
      <span className={classes(styles.badge, styles.danger)}>
        <Icon name="warning" size={18} />
      </span>
      <p className={styles.title}>{title}</p>
      <p className={styles.text}>{error.message}</p>
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}

/** Above content that is there but may be old. */
export function Banner({ tone, children }: { readonly tone: 'warning' | 'danger'; readonly children: ReactNode }) {
  return (
    <p className={classes(styles.banner, styles[tone])} role="status">
      <Icon name="warning" size={14} />
      <span>{children}</span>
    </p>
  );
}

/** Where content will be: so many lines of it. */
export function Skeleton({ lines, label }: { readonly lines: number; readonly label: string }) {
  return (
    <div className={styles.skeleton} role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} className={styles.bone} style={{ width: `${92 - ((line * 37) % 45)}%` }} />
      ))}
    </div>
  );
}
