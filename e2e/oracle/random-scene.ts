// Where and when random cases play: a few days around what calendars do to clocks, and values that are easily taken for
// one another.
import fc from 'fast-check';
import type { Json } from '@tributary/contracts/rule';

export interface Scene {
  readonly baseMs: number;
  readonly timezone: string;
  readonly zones: readonly string[];
}

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** Events lie on a grid, so that they meet each other and the ends of windows at the millisecond. */
export const SLOT_MS = HOUR_MS / 2;
export const SLOTS = 6 * 48;

export const SCENES: readonly Scene[] = [
  { baseMs: Date.UTC(2026, 2, 27), timezone: 'Europe/Berlin', zones: ['Europe/Berlin', 'America/New_York', 'CET', 'UTC'] },
  { baseMs: Date.UTC(2024, 3, 24), timezone: 'Africa/Cairo', zones: ['Africa/Cairo', 'Europe/London', 'Asia/Beirut'] },
  { baseMs: Date.UTC(2025, 9, 31), timezone: 'America/Havana', zones: ['America/Havana', 'America/Los_Angeles', 'EST5EDT'] },
  { baseMs: Date.UTC(2028, 1, 26), timezone: 'Asia/Kolkata', zones: ['Asia/Kolkata', 'Pacific/Kiritimati', 'Etc/GMT+12'] },
  { baseMs: Date.UTC(2011, 11, 28), timezone: 'Pacific/Apia', zones: ['Pacific/Apia', 'Pacific/Auckland', 'UTC'] },
  { baseMs: Date.UTC(2027, 1, 26), timezone: 'Nowhere/None', zones: ['Australia/Lord_Howe', 'America/St_Johns'] },
  { baseMs: Date.UTC(2010, 10, 5), timezone: 'America/St_Johns', zones: ['America/St_Johns', 'America/Goose_Bay'] },
];

export const EVENT_NAMES = ['A', 'B', 'Email Delivered', 'page', 'screen'] as const;
export const PURPOSES = ['email_marketing', 'profiling'] as const;
export const TRAITS = ['plan', 'n', 'at', 'birthday', 'o.a', 'tags'] as const;
export const PROPERTIES = ['x', 'n', 'k', 'at', 'o.a', 'name', 'email_id'] as const;

const NUMBERS = [0, 1, 2, -1, 0.1, 0.2, 0.3, 0.30000000000000004, 5e-7, -5e-7, 1.0000005, 0.0078125, 9007199254740992, 1e21, 1e-300, 123456.789];
const STRINGS = ['', 'a', 'A', 'ab', 'b', 'é', 'É', 'ΟΔΟΣ', 'οδος', 'İ', '😀', '\uffee', '1', 'true', '10', '9', 'ſ', '\u212a', 'a\nb', 'null'];
const COMPOUNDS: readonly Json[] = [[], {}, ['a', 1], [1, 'a'], { a: 1 }, { a: { b: null } }, [null], { b: 1, a: [1, 2] }, { a: [1, 2], b: 1 }, { 0: 'a' }, [['a']]];

export const numbers = fc.constantFrom(...NUMBERS);
export const strings = fc.constantFrom(...STRINGS);
export const scalars: fc.Arbitrary<Json> = fc.oneof(numbers, strings, fc.boolean());
export const values: fc.Arbitrary<Json> = fc.oneof({ arbitrary: scalars, weight: 4 }, { arbitrary: fc.constantFrom(...COMPOUNDS), weight: 1 });
/** Few, so that they meet. */
export const fewValues: fc.Arbitrary<Json> = fc.constantFrom<Json>(1, 2, '1', 'a', true, 1.5, { a: 1 });

export const slots = fc.oneof({ arbitrary: fc.integer({ min: 0, max: 24 }), weight: 2 }, { arbitrary: fc.integer({ min: 0, max: SLOTS }), weight: 1 });

export function slotMs(scene: Scene, slot: number): number {
  return scene.baseMs + slot * SLOT_MS;
}

/** Instants near the scene, in all the ways in which they are written, and what is none. */
export function instants(scene: Scene): fc.Arbitrary<Json> {
  const near = fc.tuple(slots, fc.constantFrom(-1, 0, 0, 0, 1), fc.constantFrom(-2, 0, 0, 0, 7)).map(([slot, jitter, days]) => slotMs(scene, slot) + jitter + days * DAY_MS);
  const written = near.chain((ms) => {
    const iso = new Date(ms).toISOString();
    const shifted = new Date(ms + 5.5 * HOUR_MS).toISOString().slice(0, -1);
    return fc.constantFrom<Json>(iso, iso.slice(0, 10), `${iso.slice(0, 16)}`, iso.slice(0, -1), `${shifted}+05:30`, `${iso.slice(0, -1)}999Z`, ms, ms + 0.5);
  });
  return fc.oneof({ arbitrary: written, weight: 8 }, { arbitrary: fc.constantFrom<Json>('2026-02-30', 'soon', '', '2026-03-28 12:00:00Z', '20260328', true, -1.5, 8.64e15), weight: 1 });
}

/** Birthdays close to the days of the scene. */
export function birthdays(scene: Scene): fc.Arbitrary<Json> {
  const near = fc.tuple(fc.integer({ min: -3, max: 9 }), fc.constantFrom('1980', '1999', '2000', '2004')).map(([day, year]) => `${year}${new Date(scene.baseMs + day * DAY_MS).toISOString().slice(4, 10)}`);
  return fc.oneof({ arbitrary: near, weight: 6 }, { arbitrary: fc.constantFrom<Json>('2000-02-29', '2001-02-29', '2000-02-28T23:30:00-11:00', '02-28', 0), weight: 2 });
}
