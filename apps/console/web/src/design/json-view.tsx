import type { ReactNode } from 'react';
import styles from './json-view.module.css';

/** JSON to read: indented, coloured, selectable. */
export function JsonView({ value }: { readonly value: unknown }) {
  return <pre className={styles.json}>{draw(value, 0)}</pre>;
}

function draw(value: unknown, depth: number): ReactNode {
  if (typeof value === 'string') return <span className={styles.string}>{JSON.stringify(value)}</span>;
  if (typeof value !== 'object' || value === null) return <span className={styles.number}>{String(value)}</span>;
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  if (entries.length === 0) return isList ? '[]' : '{}';
  const indent = '  '.repeat(depth + 1);
  return (
    <>
      {isList ? '[' : '{'}
      {entries.map(([key, child], at) => (
        <span key={key}>
          {`\n${indent}`}
          {!isList && <span className={styles.key}>{key}</span>}
          {!isList && ': '}
          {draw(child, depth + 1)}
          {at < entries.length - 1 && ','}
        </span>
      ))}
      {`\n${'  '.repeat(depth)}${isList ? ']' : '}'}`}
    </>
  );
}
