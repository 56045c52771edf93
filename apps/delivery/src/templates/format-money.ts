/**
 * An amount as people write it (`€42.50`); without a currency that exists, with two decimals (`42.50`). What is no number
 * stays as it is.
 */
export function formatMoney(amount: unknown, currency: unknown): unknown {
  const number = typeof amount === 'string' && amount.trim() !== '' ? Number(amount) : amount;
  if (typeof number !== 'number' || !Number.isFinite(number)) return amount;
  if (typeof currency === 'string' && /^[A-Za-z]{3}$/.test(currency)) return new Intl.NumberFormat('en', { style: 'currency', currency }).format(number);
  return number.toFixed(2);
}
