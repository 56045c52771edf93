import { compareEvents, type EventStamp } from './event-order.js';

/** An event that counts (track, page, screen), as the first or last of a profile. */
export interface NamedEvent extends EventStamp {
  readonly name: string;
}

/** The computed traits that every profile has. Each event is given once: they count. */
export interface Computed {
  events: number;
  orders: number;
  first: NamedEvent | null;
  last: NamedEvent | null;
}

const ORDER = 'Order Completed';

export function newComputed(): Computed {
  return { events: 0, orders: 0, first: null, last: null };
}

export function countEvent(computed: Computed, event: NamedEvent): void {
  computed.events++;
  if (event.name === ORDER) computed.orders++;
  keepFirstAndLast(computed, event, event);
}

/** Adds the counts of a profile that was merged into this one; must be done once. */
export function uniteComputed(computed: Computed, other: Computed): void {
  computed.events += other.events;
  computed.orders += other.orders;
  if (other.first !== null && other.last !== null) keepFirstAndLast(computed, other.first, other.last);
}

function keepFirstAndLast(computed: Computed, first: NamedEvent, last: NamedEvent): void {
  if (computed.first === null || compareEvents(first, computed.first) < 0) computed.first = first;
  if (computed.last === null || compareEvents(last, computed.last) > 0) computed.last = last;
}
