import { useEffect, useState } from 'react';
import styles from './tip-layer.module.css';

interface Tip {
  readonly text: string;
  readonly left: number;
  readonly top: number;
  readonly isBelow: boolean;
}

const DELAY_MS = 250;
const EDGE = 8;
const HEIGHT = 34;

/**
 * One layer that shows the `data-tip` of whatever is pointed at or focused: a thousand rows cost nothing, and no
 * scrolling container cuts a tip off. What a tip says is also there for screen readers, by label or `<time>`.
 */
export function TipLayer() {
  const [tip, setTip] = useState<Tip | null>(null);
  useEffect(() => {
    let timer = 0;
    let shown: Element | null = null;
    const hide = () => {
      window.clearTimeout(timer);
      shown = null;
      setTip(null);
    };
    const show = (event: Event) => {
      const target = event.target instanceof Element ? event.target.closest('[data-tip]') : null;
      if (target === shown) return;
      hide();
      if (target === null) return;
      shown = target;
      timer = window.setTimeout(() => setTip(placeAt(target)), DELAY_MS);
    };
    const onKey = (event: KeyboardEvent) => event.key === 'Escape' && hide();
    document.addEventListener('pointerover', show);
    document.addEventListener('focusin', show);
    document.addEventListener('focusout', hide);
    document.addEventListener('pointerdown', hide);
    document.addEventListener('keydown', onKey);
    document.addEventListener('scroll', hide, { capture: true, passive: true });
    return () => {
      hide();
      document.removeEventListener('pointerover', show);
      document.removeEventListener('focusin', show);
      document.removeEventListener('focusout', hide);
      document.removeEventListener('pointerdown', hide);
      document.removeEventListener('keydown', onKey);
      document.removeEventListener('scroll', hide, { capture: true });
    };
  }, []);
  if (tip === null) return null;
  return (
    <div className={styles.tip} aria-hidden="true" style={{ left: tip.left, top: tip.top, transform: `translate(-50%, ${tip.isBelow ? '0' : '-100%'})` }}>
      {tip.text}
    </div>
  );
}

function placeAt(target: Element): Tip | null {
  const text = target.getAttribute('data-tip');
  if (text === null || text === '' || !target.isConnected) return null;
  const box = target.getBoundingClientRect();
  const halfWidth = Math.min(text.length * 3.4 + 14, window.innerWidth / 2 - EDGE);
  const left = Math.min(Math.max(box.left + box.width / 2, halfWidth + EDGE), window.innerWidth - halfWidth - EDGE);
  const isBelow = box.top < HEIGHT + EDGE;
  return { text, left, top: isBelow ? box.bottom + 6 : box.top - 6, isBelow };
}
