import { localDays } from './local-days.js';

const dayOf = (date: string): number => Date.parse(date) / 86_400_000;
const start = (zone: string, date: string): string => new Date(localDays(zone)!.startOf(dayOf(date))).toISOString();

test.each([
  ['UTC', '2026-03-10', '2026-03-10T00:00:00.000Z'],
  ['Europe/Berlin', '2026-03-29', '2026-03-28T23:00:00.000Z'],
  ['Europe/Berlin', '2026-03-30', '2026-03-29T22:00:00.000Z'],
  ['Asia/Kolkata', '2026-03-10', '2026-03-09T18:30:00.000Z'],
  ['Asia/Kathmandu', '2026-03-10', '2026-03-09T18:15:00.000Z'],
  // Clocks went from 00:00 to 01:00: the day begins at one o'clock.
  ['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00.000Z'],
  // Clocks went back from 00:00 to 23:00: the day before had the hour twice.
  ['America/Sao_Paulo', '2018-02-18', '2018-02-18T03:00:00.000Z'],
  // Clocks went back at 00:01: the day began before that, and began once.
  ['America/St_Johns', '2006-10-29', '2006-10-29T02:30:00.000Z'],
  // The zone crossed the date line and had no 30 December.
  ['Pacific/Apia', '2011-12-29', '2011-12-29T10:00:00.000Z'],
  ['Pacific/Apia', '2011-12-30', '2011-12-30T10:00:00.000Z'],
  ['Pacific/Apia', '2011-12-31', '2011-12-30T10:00:00.000Z'],
  // Local mean time, to the second.
  ['Europe/Amsterdam', '1900-01-01', new Date(Date.parse('1900-01-01T00:00:00Z') - localOffset('Europe/Amsterdam', '1900-01-01')).toISOString()],
])('in %s the day %s begins at %s', (zone, date, instant) => {
  expect(start(zone, date)).toBe(instant);
});

test('every instant is in the day that began last', () => {
  for (const zone of ['Europe/Berlin', 'America/Sao_Paulo', 'Pacific/Apia', 'America/St_Johns', 'Australia/Lord_Howe', 'Africa/Cairo']) {
    const days = localDays(zone)!;
    const wrong: number[] = [];
    for (let t = Date.parse('2005-01-01'); t < Date.parse('2012-06-01'); t += 79_190_000) {
      const day = days.dayAt(t);
      if (days.startOf(day) > t || days.startOf(day + 1) <= t) wrong.push(t);
    }
    expect(wrong).toEqual([]);
  }
});

test('only IANA names are zones', () => {
  for (const name of ['', 'Nowhere/Land', '+02:00', '-0300', 'Berlin', ' UTC']) expect(localDays(name)).toBeUndefined();
  for (const name of ['UTC', 'Etc/UTC', 'Europe/Berlin', 'Asia/Calcutta']) expect(localDays(name)).toBeDefined();
});

test('far beyond the calendar days are still days', () => {
  const days = localDays('Europe/Berlin')!;
  for (const t of [-8.64e15, -6.3e13, 8.64e15, 9e15]) expect(days.startOf(days.dayAt(t))).toBeLessThanOrEqual(t);
});

function localOffset(zone: string, date: string): number {
  const text = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }).format(Date.parse(date));
  const [, sign, hours, minutes, seconds] = /GMT([+-])(\d+):(\d+)(?::(\d+))?/.exec(text) ?? [];
  return sign === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds ?? 0)) * 1_000;
}
