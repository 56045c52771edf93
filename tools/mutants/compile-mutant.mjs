// What jest compiles TypeScript with when TEST_MUTANT names a mutant: as always, but the mutant's file without its guard.
import { join } from 'node:path';
import swc from '@swc/jest';
import { workspace } from '../preflight.mjs';
import { mutantNamed, mutate } from './mutants.ts';

const mutant = mutantNamed(process.env.TEST_MUTANT);
const mutated = join(workspace, mutant.file);
const asMutated = (source, path) => (path === mutated ? mutate(source, mutant) : source);

export default {
  createTransformer(options) {
    const compiler = swc.createTransformer(options);
    return {
      canInstrument: compiler.canInstrument,
      process: (source, path, request) => compiler.process(asMutated(source, path), path, request),
      getCacheKey: (source, path, request) => compiler.getCacheKey(asMutated(source, path), path, request),
    };
  },
};
