// Builds the package in the current directory: every source file of src/ to its mirror in dist/.
// It transpiles only; types are checked once for the whole workspace by `npm run types`. So a build takes
// milliseconds, needs no order between packages, and may run before anything else does.
import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { transformFile } from '@swc/core';

const packageDir = process.cwd();
const sourceDir = join(packageDir, 'src');
const outputDir = join(packageDir, 'dist');

const NOT_SHIPPED = /\.test\.tsx?$|\.cases\.json$|\.d\.ts$/;
const SOURCE = /\.tsx?$/;

/** @type {import('@swc/core').Options} */
const compilerOptions = {
  swcrc: false,
  sourceMaps: true,
  module: { type: 'es6' },
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', tsx: false, decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false, react: { runtime: 'automatic' } },
    keepClassNames: true,
  },
};

// A file deleted from src/ must not live on in dist/. Other builders of the same package (the console's web
// build) keep their output in directories of their own beside dist/, or run after this one.
await rm(outputDir, { recursive: true, force: true });
await mkdir(outputDir, { recursive: true });

const files = (await readdir(sourceDir, { recursive: true, withFileTypes: true }).catch(() => []))
  .filter((entry) => entry.isFile() && !NOT_SHIPPED.test(entry.name))
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name));

await Promise.all(files.map((file) => (SOURCE.test(file) ? compile(file) : copy(file))));

async function compile(file) {
  const target = join(outputDir, relative(sourceDir, file)).replace(SOURCE, '.js');
  const { code, map } = await transformFile(file, {
    ...compilerOptions,
    jsc: { ...compilerOptions.jsc, parser: { ...compilerOptions.jsc.parser, tsx: file.endsWith('.tsx') } },
    sourceFileName: relative(dirname(target), file),
  });
  const name = target.slice(dirname(target).length + 1);
  await mkdir(dirname(target), { recursive: true });
  await Promise.all([
    writeFile(target, `${code}\n//# sourceMappingURL=${name}.map\n`),
    writeFile(`${target}.map`, map ?? ''),
  ]);
}

async function copy(file) {
  const target = join(outputDir, relative(sourceDir, file));
  await mkdir(dirname(target), { recursive: true });
  await copyFile(file, target);
}
