// Patterns in SQL against RE2 itself: which strings match.
import fc from 'fast-check';
import pg from 'pg';
import { RE2JS } from 're2js';
import { translatePattern } from '@tributary/domain/segmentation/sql/translate-pattern';
import { startOracleDatabase, type OracleDatabase } from './oracle-database.ts';

const TEXTS = [
  '', 'a', 'b', 'c', 'abc', 'a.c', 'aXc', 'a\nc', 'ab', 'abab', 'cd', 'x', 'ax', 'bx', '1', '12_', '_', ' ', '\t', '\n', 'école', 'cole', 'écoleé', 'aac', 'aaac', 'é', 'éé',
  '😀', '😁', '$^', 'a-b', ']', '-', '\\', '#', '"\'', 'xxy', '\u0663', '\u00a0', '\u000b', 'a b', 'A', 'É', 'K', 'ſ', 'a\n', '\na',
];
const PATTERNS = [
  '', 'abc', 'a|', '|', 'a|b|cd', '^a', 'a$', '^$', 'a.c', 'a\\.c', '[abc]', '[^abc]', '[a-c]x', '[]a]', '[^]a]', '[a-]', '[a\\-c]', '[.]', '\\d+', '\\D', '\\w\\W',
  '\\s', '\\S', '[\\d_]', '[\\s]', '\\bcole\\b', 'a*', 'a+b?', '(ab)+', '(?:ab){2}', 'a{2,}', 'a{1,2}c', 'a{0}', 'a+?b', '(a|b)*c$', 'x{2}y', '\\t', '\\n', 'a b',
  'é+', '😀', '[😀-😂]', '\\$\\^', 'a-b', '#', '"', '[^a]$', '()', '(|a)+$', '\\\\', '[\\]]', '^\\b', '.', '^.$', '^..$',
];

let database: OracleDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await startOracleDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client?.end();
  await database?.stop();
});

async function matchedInSql(pattern: string): Promise<readonly string[]> {
  const translated = translatePattern({ pattern, ignoreCase: false });
  expect(translated).toBeDefined();
  const { rows } = await client.query<{ text: string }>(
    'SELECT text FROM unnest($1::text[]) WITH ORDINALITY AS all_texts(text, place) WHERE text COLLATE "C" ~ $2 ORDER BY place',
    [TEXTS, translated],
  );
  return rows.map(({ text }) => text);
}

function matchedByRe2(pattern: string): readonly string[] {
  const compiled = RE2JS.compile(pattern);
  return TEXTS.filter((text) => compiled.matcher(text).find());
}

test.each(PATTERNS)('%p matches the same in SQL and in RE2', async (pattern) => {
  expect(await matchedInSql(pattern)).toEqual(matchedByRe2(pattern));
});

test('random patterns match the same in SQL and in RE2', async () => {
  const atom = fc.constantFrom('a', 'b', 'c', '.', '\\d', '\\W', '[ab]', '[^a]', '\\b', '^', '$', 'é', '[a-c_]', '\\.', '-', ' ');
  const { pattern } = fc.letrec<{ pattern: string; piece: string }>((tie) => ({
    pattern: fc.array(tie('piece'), { maxLength: 3 }).map((pieces) => pieces.join('')),
    piece: fc.oneof(
      { depthSize: 'small' },
      atom,
      fc.tuple(atom, fc.constantFrom('*', '+', '?', '{2}', '{0,1}', '+?')).map((parts) => parts.join('')),
      fc.tuple(tie('pattern'), tie('pattern')).map(([left, right]) => `(${left}|${right})`),
      fc.tuple(tie('pattern'), fc.constantFrom('*', '+', '?')).map(([inside, count]) => `(?:${inside})${count}`),
    ),
  }));
  await fc.assert(
    fc.asyncProperty(pattern, async (candidate) => {
      fc.pre(translatePattern({ pattern: candidate, ignoreCase: false }) !== undefined);
      expect(await matchedInSql(candidate)).toEqual(matchedByRe2(candidate));
    }),
    { numRuns: 500 },
  );
});
