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

/** As queries show them. Instants are ISO 8601 UTC with milliseconds; what is unknown is left out. */
export interface ComputedTraits {
  readonly events_count: number;
  readonly orders_count: number;
  readonly first_seen_at?: string;
  readonly first_event?: string;
  readonly last_seen_at?: string;
  readonly last_event?: string;
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

export function showComputed({ events, orders, first, last }: Computed): ComputedTraits {
  return {
    events_count: events,
    orders_count: orders,
    ...(first === null ? {} : { first_seen_at: new Date(first.timeMs).toISOString(), first_event: first.name }),
    ...(last === null ? {} : { last_seen_at: new Date(last.timeMs).toISOString(), last_event: last.name }),
  };
}

function keepFirstAndLast(computed: Computed, first: NamedEvent, last: NamedEvent): void {
  if (computed.first === null || compareEvents(first, computed.first) < 0) computed.first = first;
  if (computed.last === null || compareEvents(last, computed.last) > 0) computed.last = last;
}
