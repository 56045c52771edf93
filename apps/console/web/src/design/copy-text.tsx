import { useState } from 'react';
import { Icon } from './icon.js';
import styles from './copy-text.module.css';

const THANKS_MS = 1_500;

/** A value that one wants elsewhere: a press copies it. */
export function CopyText({ text }: { readonly text: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    window.setTimeout(() => setCopied(false), THANKS_MS);
  };
  return (
    <button type="button" className={styles.copy} aria-label={isCopied ? `Copied ${text}` : `Copy ${text}`} onClick={() => void copy().catch(() => undefined)}>
      <span className={styles.text}>{text}</span>
      <span className={styles.icon}>
        <Icon name={isCopied ? 'check' : 'copy'} size={13} />
      </span>
    </button>
  );
}
