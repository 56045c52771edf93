import { worldKnowledge } from './world-knowledge.js';

describe('countries', () => {
  test.each([
    ['DE', 'DE'], ['de', 'DE'], ['DEU', 'DE'], ['276', 'DE'], ['Germany', 'DE'], ['deutschland', 'DE'], ['Allemagne', 'DE'], ['Германия', 'DE'], ['ドイツ', 'DE'],
    ['USA', 'US'], ['U.S.A.', 'US'], ['United States', 'US'], ['united states of america', 'US'], ['UK', 'GB'], ['Great Britain', 'GB'], ['England', 'GB'],
    ["Côte d'Ivoire", 'CI'], ['cote d’ivoire', 'CI'], ['España', 'ES'], ['The Netherlands', 'NL'], ['Holland', 'NL'], ['Czech Republic', 'CZ'], ['South Korea', 'KR'], ['Russia', 'RU'],
    ['Atlantis', null], ['', null], ['XX', null], ['ZZZ', null], ['999', null], ['Congo', null], ['constructor', null], ['x'.repeat(1_000), null],
  ])('%s is %s', (text, code) => {
    expect(worldKnowledge.country(text)).toBe(code);
  });
});

describe('telephone numbers', () => {
  test.each([
    ['+4915112345678', null, '+4915112345678'],
    ['+49 (0)151 12345678', null, '+4915112345678'],
    ['0151 12345678', 'DE', '+4915112345678'],
    ['020 7946 0958', 'GB', '+442079460958'],
    ['(415) 555-2671', 'US', '+14155552671'],
    ['+1 415 555 2671', 'DE', '+14155552671'],
    // A number that no numbering plan has given out yet, but could.
    ['+15550001111', null, '+15550001111'],
    ['0151 12345678', null, null],
    ['0151 12345678', 'XX', null],
    ['12', 'US', null],
    ['call +4915112345678', null, null],
    ['', 'US', null],
    ['9'.repeat(500), 'US', null],
  ])('%s in %s is %s', (text, country, phone) => {
    expect(worldKnowledge.phone(text, country)).toBe(phone);
  });
});

test.each([['EUR', 'EUR'], ['USD', 'USD'], ['JPY', 'JPY'], ['ZZZ', null], ['€', null], ['', null], ['EURO', null]])('the currency %s is %s', (text, code) => {
  expect(worldKnowledge.currency(text)).toBe(code);
});
