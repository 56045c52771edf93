import { createRequire } from 'node:module';
import type { CleansingTools } from '@tributary/domain/cleansing/normalized';
import { code as currencyByCode } from 'currency-codes';
import { alpha2ToAlpha3, alpha3ToAlpha2, getNames, type LocaleData, numericToAlpha2, registerLocale } from 'i18n-iso-countries/index.js';
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/min';

/** Languages in which people write the names of countries. All of the library's would take 20 MB for rare use. */
const LANGUAGES = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'cs', 'da', 'sv', 'nb', 'fi', 'hu', 'ro', 'el', 'tr', 'ru', 'uk', 'ja', 'zh', 'ko', 'ar'];
/** Parts of a country that have a name of their own in addresses. */
const PARTS: readonly (readonly [string, string])[] = [['england', 'GB'], ['scotland', 'GB'], ['wales', 'GB'], ['northern ireland', 'GB'], ['u k', 'GB']];
const TEXT_LENGTH_MAX = 100;

/** What libraries know of countries, telephone numbers and currencies. */
export const worldKnowledge: CleansingTools = { phone: readPhone, country: readCountry, currency: readCurrency };

function readPhone(text: string, country: string | null): string | null {
  if (text.length > TEXT_LENGTH_MAX) return null;
  const isKnown = country !== null && isSupportedCountry(country);
  // Possible, not valid: numbering plans change faster than releases of a library, and a number must not be lost to that.
  const phone = parsePhoneNumberFromString(text, { extract: false, ...(isKnown ? { defaultCountry: country as CountryCode } : {}) });
  return phone?.isPossible() === true ? phone.number : null;
}

function readCountry(text: string): string | null {
  if (text.length > TEXT_LENGTH_MAX) return null;
  const code = text.toUpperCase();
  if (/^[A-Z]{2}$/.test(code) && alpha2ToAlpha3(code) !== undefined) return code;
  if (/^[A-Z]{3}$/.test(code) && alpha3ToAlpha2(code) !== undefined) return alpha3ToAlpha2(code) as string;
  if (/^\d{3}$/.test(code)) return numericToAlpha2(code) ?? null;
  countriesByName ??= indexNames();
  return countriesByName.get(nameKey(text)) ?? null;
}

function readCurrency(text: string): string | null {
  return text.length === 3 ? (currencyByCode(text)?.code ?? null) : null;
}

let countriesByName: ReadonlyMap<string, string | null> | undefined;

/** Null marks a name that is one country in one language and another in the next: nobody can tell. */
function indexNames(): ReadonlyMap<string, string | null> {
  const require = createRequire(import.meta.url);
  const index = new Map<string, string | null>(PARTS);
  for (const language of LANGUAGES) {
    registerLocale(require(`i18n-iso-countries/langs/${language}.json`) as LocaleData);
    for (const [country, names] of Object.entries(getNames(language, { select: 'all' }))) {
      for (const name of [names].flat()) {
        const key = nameKey(name);
        const known = index.get(key);
        index.set(key, known === undefined || known === country ? country : null);
      }
    }
  }
  return index;
}

/** Without case, accents of Latin letters and punctuation. */
function nameKey(name: string): string {
  return name.normalize('NFKD').replace(/[\u0300-\u036f]/g, '').normalize('NFC').toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ').trim();
}
