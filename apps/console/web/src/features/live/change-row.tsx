import type { SegmentChange } from '@tributary/contracts/change';
import { memo } from 'react';
import { Chip } from '../../design/chip.js';
import { classes } from '../../design/class-names.js';
import { Icon } from '../../design/icon.js';
import { Instant } from '../../design/instant.js';
import { formatClock, formatDuration } from '../../format/format-instant.js';
import { personLabel } from '../../format/person-label.js';
import { Link } from '../../navigation/location.js';
import { describeCause } from './describe-cause.js';
import styles from './change-row.module.css';

interface ChangeRowProps {
  readonly change: SegmentChange;
  readonly segmentName: string;
  readonly isNew: boolean;
  readonly isSelected: boolean;
}

/** One membership change: who, in or out of what, why, and how long after the instant it was decided. */
export const ChangeRow = memo(function ChangeRow({ change, segmentName, isNew, isSelected }: ChangeRowProps) {
  const effectiveMs = Date.parse(change.effectiveAt);
  const delayMs = Date.parse(change.processedAt) - effectiveMs;
  const isEntered = change.change === 'entered';
  return (
    <li className={classes(styles.row, isNew && (isEntered ? styles.newEntered : styles.newLeft), isSelected && styles.selected)}>
      <span className={classes(styles.badge, isEntered ? styles.entered : styles.left)}>
        <Icon name={isEntered ? 'entered' : 'left'} size={14} />
      </span>
      <p className={styles.what}>
        <Link params={{ person: change.profileId }} className={styles.person}>
          {personLabel(change.identifiers, change.profileId)}
        </Link>
        <span className={styles.verb}>{change.change}</span>
        <Link params={{ segment: change.segment, person: null }} className={styles.segment}>
          {segmentName}
        </Link>
      </p>
      <span className={styles.cause}>
        <Chip tip={describeCause(change)}>{change.cause}</Chip>
      </span>
      <span className={classes(styles.delay, 'tabular')} data-tip={`Effective ${formatClock(effectiveMs)}, decided ${formatDuration(delayMs)} later`}>
        +{formatDuration(delayMs)}
      </span>
      <span className={styles.time}>
        <Instant at={change.effectiveAt} />
      </span>
    </li>
  );
});
