const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const decimal = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** "12,460" */
export function formatCount(count: number): string {
  return whole.format(count);
}

/** "52.5" */
export function formatDecimal(number: number): string {
  return decimal.format(number);
}

/** "12.5K", where there is no room for more. */
export function formatCompact(count: number): string {
  return compact.format(count);
}

/** "0/s", "3.4/s", "1,204/s" */
export function formatRate(perSecond: number): string {
  return `${perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : whole.format(perSecond)}/s`;
}

/** "1 visit", "4 visits" */
export function formatNoun(count: number, noun: string): string {
  return `${whole.format(count)} ${noun}${count === 1 ? '' : 's'}`;
}
