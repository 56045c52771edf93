// The style of the house, where a machine can see it. What is wrong is listed by file, so that one run shows all.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { workspace } from './preflight.mjs';

const LINES_MAX = 400;
/** From here on a file owes its reviewer a reason. */
const LINES_QUESTIONED = 300;
const SUFFIXES = ['module', 'controller', 'config', 'stage', 'entity', 'postgres', 'memory', 'kafka', 'test', 'd'];
const EMPTY_NAMES = ['util', 'helper', 'manager', 'common', 'shared', 'misc', 'base', 'type'];
const SKIPPED_DIRS = ['node_modules', 'dist', 'dist-web', '.local', '.nx', '.git', 'coverage'];
const CODE_DIRS = ['apps', 'libs', 'e2e', 'tools', 'bench'];
const TEXT = /\.(ts|tsx|mjs|cjs|js|json|md|ya?ml|sql|proto|xml|html|css|sh|mjml|liquid)$|(^|\/)(Dockerfile|run)$/;

const files = listFiles(workspace);
const code = files.filter((file) => CODE_DIRS.includes(file.split('/')[0]!));
const sources = code.filter((file) => /\.(ts|tsx|mjs)$/.test(file));
const texts = files.filter((file) => TEXT.test(file) && file !== 'package-lock.json');

function listFiles(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return SKIPPED_DIRS.includes(entry.name) ? [] : listFiles(path);
    return entry.isFile() ? [relative(workspace, path)] : [];
  });
}

const read = (file: string) => readFileSync(join(workspace, file), 'utf8');
const nameOf = (file: string) => file.slice(file.lastIndexOf('/') + 1);
const lineCount = (file: string) => read(file).trimEnd().split('\n').length;

/** `file:line: text` for every line that matches. */
function linesWith(pattern: RegExp, among: readonly string[]): string[] {
  return among.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, i) => (pattern.test(line) ? [`${file}:${i + 1}: ${line.trim().slice(0, 100)}`] : [])),
  );
}

describe('names', () => {
  test('there are no barrels: a package exports files', () => {
    expect(sources.filter((file) => /^index\.(ts|tsx|mjs)$/.test(nameOf(file)))).toEqual([]);
  });

  test('no file or folder has a name that says nothing', () => {
    const saysNothing = (part: string) => EMPTY_NAMES.includes(part.split('.')[0]!.split('-').at(-1)!.replace(/s$/, ''));
    expect(code.filter((file) => file.split('/').some(saysNothing))).toEqual([]);
  });

  test('suffixes come from the closed list', () => {
    const isKnown = (file: string) => nameOf(file).split('.').slice(1, -1).every((suffix) => SUFFIXES.includes(suffix));
    expect(sources.filter((file) => !isKnown(file))).toEqual([]);
  });
});

describe('files', () => {
  test(`none has more than ${LINES_MAX} lines`, () => {
    const long = sources.map((file) => ({ file, lines: lineCount(file) })).filter(({ lines }) => lines > LINES_QUESTIONED);
    if (long.length > 0) console.info(`Files that ask for a split:\n${long.map(({ file, lines }) => `  ${file}: ${lines} lines`).join('\n')}`);
    expect(long.filter(({ lines }) => lines > LINES_MAX)).toEqual([]);
  });

  test('nothing is left to do', () => {
    // In two parts, or this line would find itself.
    expect(linesWith(new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`), sources)).toEqual([]);
  });

  test('no path of one machine and no registry is named', () => {
    expect(linesWith(/(^|[\s'"`(=:])\/(home|Users|root|work|mnt)\/\w/, texts)).toEqual([]);
    const hosts = ['registry.npm' + 'js', 'arti' + 'factory', 'verda' + 'ccio', 'repo.ma' + 'ven', 'repo1.ma' + 'ven'];
    expect(linesWith(new RegExp(hosts.map((host) => host.replace('.', '\\.')).join('|')), texts)).toEqual([]);
  });

  test('tests are not focused or skipped by hand', () => {
    expect(linesWith(/^\s*(test|it|describe)\.(only|skip)\(|^\s*(fit|xit|fdescribe|xdescribe)\(/, sources)).toEqual([]);
  });
});

test('decisions import nothing but contracts and each other', () => {
  const domain = sources.filter((file) => file.startsWith('libs/domain/src/') && !file.endsWith('.test.ts') && !file.includes('/testing/'));
  // A hash is as pure as an addition; the rest of node:crypto is not.
  const isAllowed = (statement: string) => /from '(\.|@tributary\/contracts\/)/.test(statement) || statement === "import { createHash } from 'node:crypto'";
  const foreign = domain.flatMap((file) =>
    [...read(file).matchAll(/^(?:import|export)\s[^;]*?from\s+'[^']+'/gm)].map(([statement]) => statement).filter((s) => !isAllowed(s)).map((s) => `${file}: ${s}`),
  );
  expect(foreign).toEqual([]);
});

test('every decision record says background, decision and consequences', () => {
  const dir = join(workspace, 'docs', 'adr');
  const records = existsSync(dir) ? readdirSync(dir).filter((name) => /^\d+.*\.md$/.test(name)) : [];
  const headings = ['background', 'decision', 'consequences'];
  const lacks = (name: string) => headings.filter((heading) => !new RegExp(`^#+ ${heading}`, 'im').test(read(`docs/adr/${name}`)));
  expect(records.map((name) => [name, lacks(name)]).filter(([, missing]) => missing!.length > 0)).toEqual([]);
});

describe('package-lock.json', () => {
  interface Entry {
    version?: string;
    resolved?: string;
    link?: boolean;
    extraneous?: boolean;
    optionalDependencies?: Record<string, string>;
  }
  const packages = (JSON.parse(read('package-lock.json')) as { packages: Record<string, Entry> }).packages;

  test('names no address from which a package came', () => {
    expect(Object.entries(packages).filter(([, entry]) => entry.resolved && !entry.link).map(([path]) => path)).toEqual([]);
  });

  // npm install drops an optional package that its registry lacks, silently, and npm ci then refuses the lock file.
  test('holds every optional package that it asks for', () => {
    const missing = Object.entries(packages).flatMap(([path, entry]) =>
      Object.entries(entry.optionalDependencies ?? {})
        .filter(([name, range]) => !satisfies(findEntry(path, name)?.version, range))
        .map(([name, range]) => `${path || 'the workspace'} wants ${name}@${range}`),
    );
    expect(missing).toEqual([]);
  });

  /** Looks where Node would: beside the dependent, then outwards. */
  function findEntry(from: string, name: string): Entry | undefined {
    for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
      const entry = packages[`${base ? `${base}/` : ''}node_modules/${name}`];
      if (entry || base === '') return entry;
    }
  }

  /** Platform packages are pinned exactly; of a range only the presence is checked. */
  function satisfies(version: string | undefined, range: string): boolean {
    return version !== undefined && (!/^\d+\.\d+\.\d+/.test(range) || range.includes(' ') || version === range);
  }
});
