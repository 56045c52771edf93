import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import styles from './popover.module.css';

interface PopoverProps {
  /** What the button says to screen readers. */
  readonly label: string;
  readonly button: ReactNode;
  readonly className?: string | undefined;
  readonly children: ReactNode;
}

/** A button that opens a small surface below itself. Escape, and pointing elsewhere, close it. */
export function Popover({ label, button, className, children }: PopoverProps) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const id = useId();
  useEffect(() => {
    if (!isOpen) return undefined;
    const onPointer = (event: PointerEvent) => !root.current?.contains(event.target as Node) && setOpen(false);
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      setOpen(false);
      opener.current?.focus();
    };
    document.addEventListener('pointerdown', onPointer);
    document.addEventListener('keydown', onKey, { capture: true });
    return () => {
      document.removeEventListener('pointerdown', onPointer);
      document.removeEventListener('keydown', onKey, { capture: true });
    };
  }, [isOpen]);
  return (
    <div className={styles.root} ref={root}>
      <button type="button" ref={opener} className={className} aria-label={label} aria-expanded={isOpen} aria-controls={isOpen ? id : undefined} onClick={() => setOpen(!isOpen)}>
        {button}
      </button>
      {isOpen && (
        <div className={styles.surface} id={id} role="group" aria-label={label}>
          {children}
        </div>
      )}
    </div>
  );
}
