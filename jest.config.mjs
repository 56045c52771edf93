// Two projects: `unit` (everything beside the code it tests) and `flow` (e2e/, on stacks of its own). Both run
// the TypeScript sources, turned into CommonJS so that `jest` is a global and mocks are hoisted.
// On a mutant, one guard is taken out of the sources as they are read: see tools/mutants.
const compiler = process.env.TEST_MUTANT === undefined ? '@swc/jest' : '<rootDir>/tools/mutants/compile-mutant.mjs';
const transform = {
  '^.+\\.tsx?$': [compiler, {
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', tsx: true, decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false, react: { runtime: 'automatic' } },
      keepClassNames: true,
    },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
  }],
};

// Faults hit where chance has it, on a machine of any speed: they run when they are named, not with everything.
const areFaultsNamed = process.argv.some((arg) => arg.includes('e2e/faults'));

const common = {
  testEnvironment: 'node',
  // Packages of the workspace resolve to their sources: nothing has to be built to test it.
  testEnvironmentOptions: { customExportConditions: ['@tributary/source', 'node', 'node-addons'] },
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/\\.local/'],
  modulePathIgnorePatterns: ['/dist/', '/\\.local/', '/\\.nx/'],
  // Sources import `./x.js`, as Node wants it; a package in node_modules that means .js gets .js.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1.js', '$1.ts', '$1.tsx'] },
  transform,
};

/** @type {import('jest').Config} */
export default {
  projects: [
    {
      ...common,
      displayName: 'unit',
      setupFilesAfterEnv: ['<rootDir>/tools/jest/be-patient.ts'],
      roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/tools'],
      testMatch: ['**/*.test.ts', '**/*.test.tsx'],
      globalSetup: '<rootDir>/tools/jest/start-servers.ts',
      globalTeardown: '<rootDir>/tools/jest/stop-servers.ts',
    },
    {
      ...common,
      displayName: 'flow',
      testPathIgnorePatterns: [...common.testPathIgnorePatterns, ...(areFaultsNamed ? [] : ['/e2e/faults/'])],
      roots: ['<rootDir>/e2e'],
      testMatch: ['**/*.test.ts', '**/*.test.tsx'],
      globalSetup: '<rootDir>/tools/jest/prepare-flow.ts',
      globalTeardown: '<rootDir>/tools/jest/finish-flow.ts',
      setupFilesAfterEnv: ['<rootDir>/tools/jest/flow-timeout.ts'],
    },
  ],
  // Compiled modules stay in a worker until it is replaced; about 25 MB for each suite with Nest in it.
  workerIdleMemoryLimit: '1GB',
  maxWorkers: 2,
};
