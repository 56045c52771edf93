const HASHES = 2n ** 64n;

/** The smallest unsigned 64-bit number h with h / 2^64 * 100 >= percent, as 16 hexadecimal digits; percent is below 100. */
export function firstHash(percent: number): string {
  const [digits, power] = percent.toExponential().split('e') as [string, string];
  const [whole, fraction = ''] = digits.split('.') as [string, string?];
  // percent = numerator / 10^decimals, exactly as it is printed.
  const decimals = fraction.length - Number(power);
  const numerator = BigInt(whole + fraction) * 10n ** BigInt(Math.max(-decimals, 0)) * HASHES;
  const denominator = 10n ** BigInt(Math.max(decimals, 0)) * 100n;
  return ((numerator + denominator - 1n) / denominator).toString(16).padStart(16, '0');
}
