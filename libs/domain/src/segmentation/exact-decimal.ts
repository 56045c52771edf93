/** A whole number, as a double where that is exact, else as a bigint. */
export type Whole = number | bigint;

/** `digits / 10^scale`, the decimal that a number is printed as: `0.1` is one tenth, not the double beside it. */
export function decimalOf(value: number): { readonly digits: bigint; readonly scale: number } {
  const [mantissa, exponent] = String(value).split('e') as [string, string | undefined];
  const [whole, fraction = ''] = mantissa.split('.') as [string, string | undefined];
  const scale = fraction.length - Number(exponent ?? 0);
  const digits = BigInt(whole + fraction);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

/** Millionths, rounded half away from zero (rule 20). */
export function toMicros(value: number): Whole {
  const scaled = value * 1e6;
  const rounded = Math.round(scaled);
  // Below 2^42 the product is off by less than 0.001, so away from ties rounding it is right.
  if (Math.abs(scaled) < 4e12 && Math.abs(Math.abs(scaled - Math.trunc(scaled)) - 0.5) > 0.001) return rounded + 0;
  const { digits, scale } = decimalOf(value);
  const magnitude = digits < 0n ? -digits : digits;
  const divisor = 10n ** BigInt(scale);
  const micros = (magnitude * 2_000_000n + divisor) / (2n * divisor);
  return normalWhole(digits < 0n ? -micros : micros);
}

/** The least whole number of units `≥ value` (or `> value`), a unit being `1 / perUnit`. */
export function ceilingOf(value: number, perUnit: bigint, strict: boolean): Whole {
  const { digits, scale } = decimalOf(value);
  const divisor = 10n ** BigInt(scale);
  const product = digits * perUnit;
  let floor = product / divisor;
  if (product < 0n && floor * divisor !== product) floor -= 1n;
  const exact = floor * divisor === product;
  return normalWhole(exact && !strict ? floor : floor + 1n);
}

export function addWhole(a: Whole, b: Whole): Whole {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return normalWhole(BigInt(a) + BigInt(b));
}

export function normalWhole(value: bigint): Whole {
  return value <= 9007199254740991n && value >= -9007199254740991n ? Number(value) : value;
}
