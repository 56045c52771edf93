import { memo, useState } from 'react';
import { classes } from '../../design/class-names.js';
import { Icon } from '../../design/icon.js';
import { Instant } from '../../design/instant.js';
import { JsonView } from '../../design/json-view.js';
import { Link } from '../../navigation/location.js';
import { identifiersOf, iconOf, summaryOf, titleOf, type LiveEvent } from './live-event.js';
import { personLabel } from '../../format/person-label.js';
import styles from './event-row.module.css';

interface EventRowProps {
  readonly event: LiveEvent;
  readonly isNew: boolean;
  readonly isSelected: boolean;
}

/** One event as it came in; opens to show all of it. */
export const EventRow = memo(function EventRow({ event, isNew, isSelected }: EventRowProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li className={classes(isNew && styles.isNew, isSelected && styles.selected)}>
      <div className={styles.row}>
        <span className={styles.icon}>
          <Icon name={iconOf(event.type, event.name)} size={15} />
        </span>
        <button type="button" className={styles.name} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <span className={styles.title}>{titleOf(event.type, event.name)}</span>
          <span className={styles.summary}>{summaryOf(event.body)}</span>
        </button>
        <Link params={{ person: event.profileId }} className={styles.person}>
          {personLabel(identifiersOf(event.body), event.profileId)}
        </Link>
        <span className={styles.time}>
          <Instant at={event.timestamp} />
        </span>
      </div>
      {isOpen && (
        <div className={styles.body}>{event.body === null ? <p className={styles.large}>This event is too large for the live view. The person’s timeline has it.</p> : <JsonView value={event.body} />}</div>
      )}
    </li>
  );
});
