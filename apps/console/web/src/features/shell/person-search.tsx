import { type FormEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { type Profile, searchProfiles } from '../../api/profiles.js';
import { useQuery } from '../../api/use-query.js';
import { classes } from '../../design/class-names.js';
import { Icon } from '../../design/icon.js';
import { personLabel } from '../../format/person-label.js';
import { navigate, withParams } from '../../navigation/location.js';
import { personName } from '../people/person-name.js';
import { readingsOf } from './read-reference.js';
import styles from './person-search.module.css';

const SETTLE_MS = 200;

/** Finds somebody by any identifier. `/` and Ctrl+K lead here. */
export function PersonSearch() {
  const [text, setText] = useState('');
  const [isOpen, setOpen] = useState(false);
  const [chosen, setChosen] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const wanted = useSettled(text.trim(), SETTLE_MS);
  const found = useQuery(isOpen && wanted !== '' ? `search ${wanted}` : null, (signal) => searchProfiles(wanted, signal));
  const choices = choicesOf(text, wanted === text.trim() ? (found.data ?? []) : []);
  const isShown = isOpen && choices.length > 0;

  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLElement && (event.target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName));
      const isAsked = (event.key === '/' && !isTyping) || (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey));
      if (!isAsked) return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);

  const open = (reference: string) => {
    setOpen(false);
    setText('');
    field.current?.blur();
    navigate(withParams({ person: reference }));
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    const choice = choices[chosen] ?? choices[0];
    if (choice !== undefined) open(choice.reference);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : choices.length - 1;
      if (choices.length > 0) setChosen((chosen + step) % choices.length);
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      if (isShown) setOpen(false);
      else field.current?.blur();
    }
  };

  return (
    <form className={styles.search} role="search" onSubmit={onSubmit}>
      <Icon name="search" />
      <input
        ref={field}
        className={styles.field}
        value={text}
        placeholder="Find a person by e-mail, user id or any identifier"
        aria-label="Find a person"
        role="combobox"
        aria-expanded={isShown}
        aria-controls={`${id}-list`}
        aria-activedescendant={isShown ? `${id}-${chosen}` : undefined}
        aria-autocomplete="list"
        autoComplete="off"
        spellCheck={false}
        maxLength={300}
        enterKeyHint="search"
        onChange={(event) => {
          setText(event.target.value);
          setChosen(0);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      <kbd className={styles.key}>/</kbd>
      {isShown && (
        <ul className={styles.list} id={`${id}-list`} role="listbox" aria-label="People">
          {choices.map(({ reference, label, text: shown }, at) => (
            <li
              key={reference}
              id={`${id}-${at}`}
              role="option"
              aria-selected={at === chosen}
              className={classes(styles.option, at === chosen && styles.chosen)}
              // The field would lose its focus, and with it the list, before the click.
              onPointerDown={(event) => event.preventDefault()}
              onClick={() => open(reference)}
            >
              <span className={styles.type}>{label}</span>
              <span className={styles.value}>{shown}</span>
              {at === chosen && <kbd className={styles.key}>↵</kbd>}
            </li>
          ))}
        </ul>
      )}
    </form>
  );
}

interface Choice {
  readonly reference: string;
  readonly label: string;
  readonly text: string;
}

/** Who was found, then what else the text may mean. */
function choicesOf(text: string, found: readonly Profile[]): readonly Choice[] {
  const people = found.map((profile) => {
    const [name, label] = [personName(profile), personLabel(profile.identifiers, profile.id)];
    return { reference: profile.id, label: 'found', text: name === label ? name : `${name} · ${label}` };
  });
  return [...people, ...readingsOf(text).map(({ reference, type, value }) => ({ reference, label: type, text: value }))];
}

/** The value once it has not changed for a moment. */
function useSettled(value: string, settleMs: number): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), settleMs);
    return () => window.clearTimeout(timer);
  }, [value, settleMs]);
  return settled;
}
