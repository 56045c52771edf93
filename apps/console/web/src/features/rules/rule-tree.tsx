import type { RuleNode } from '@tributary/contracts/rule';
import { describeRule, partsOf } from './describe-rule.js';
import styles from './rule-tree.module.css';

/** A rule as nested sentences. */
export function RuleTree({ node }: { readonly node: RuleNode }) {
  return (
    <ul className={styles.tree}>
      <RuleItem node={node} />
    </ul>
  );
}

function RuleItem({ node }: { readonly node: RuleNode }) {
  const parts = partsOf(node);
  return (
    <li>
      <p className={parts.length > 0 ? styles.joint : styles.leaf}>{describeRule(node)}</p>
      {parts.length > 0 && (
        <ul className={styles.parts}>
          {parts.map((child, at) => (
            <RuleItem key={at} node={child} />
          ))}
        </ul>
      )}
    </li>
  );
}
