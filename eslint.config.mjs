// The rules of the house that a machine can hold: who may depend on whom, and where a library may be imported.
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const TESTS = ['**/*.test.ts', '**/*.test.tsx', 'e2e/**', 'tools/**', 'bench/**', 'libs/testing/**'];

const KAFKA_CLIENTS = ['kafkajs', '@platformatic/kafka'];
const KAFKA_FILES = ['libs/stream/src/kafkajs-{log,group}.ts', 'libs/stream/src/platformatic-{log,reading}.ts'];

const TYPEORM_FILES = ['**/*.postgres.ts', '**/*.entity.ts', '**/migrations/**', 'libs/postgres/**'];

const NEST_FILES = [
  'apps/**/*.module.ts', 'apps/**/*.controller.ts', 'apps/**/*.stage.ts', 'apps/**/main.ts', 'apps/**/*-guard.ts', 'apps/**/create-*.ts',
  // Composition only, as the apps' own main and module are.
  'apps/compact/**',
  'libs/service/**', 'libs/stream/src/*transport*.ts',
];

const kafka = { paths: KAFKA_CLIENTS.map((name) => ({ name, message: 'A Kafka client is known in one file: use the log port of @tributary/stream.' })) };
const typeorm = { paths: [{ name: 'typeorm', message: 'TypeORM belongs in stores (*.postgres.ts), entities, migrations and libs/postgres.' }] };
const nest = { patterns: [{ group: ['@nestjs/*'], message: 'Nest stays at the edge: modules, controllers, stages, main.ts and libs/service.' }] };

// The last matching block decides, so each exception names what stays forbidden there.
const restrict = (files, ...kinds) => ({
  files,
  rules: {
    '@typescript-eslint/no-restricted-imports': kinds.length === 0 ? 'off' : ['error', {
      paths: kinds.flatMap((kind) => kind.paths ?? []),
      patterns: kinds.flatMap((kind) => kind.patterns ?? []),
    }],
  },
});

export default tseslint.config(
  { ignores: ['**/dist/**', '**/dist-web/**', '.local/**', '.nx/**', 'coverage/**', '**/node_modules/**'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx', '**/*.mjs'],
    plugins: { '@nx': nx },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
    },
  },
  {
    files: ['apps/**/*.ts', 'apps/**/*.tsx', 'libs/**/*.ts'],
    rules: {
      '@nx/enforce-module-boundaries': ['error', {
        enforceBuildableLibDependency: false,
        allow: [],
        depConstraints: [
          { sourceTag: 'lib:contracts', onlyDependOnLibsWithTags: ['lib:contracts'] },
          { sourceTag: 'lib:domain', onlyDependOnLibsWithTags: ['lib:domain', 'lib:contracts'] },
          { sourceTag: 'type:lib', onlyDependOnLibsWithTags: ['type:lib'] },
          { sourceTag: 'app:compact', onlyDependOnLibsWithTags: ['type:lib', 'type:app'] },
          ...['ingestion', 'consent', 'cleansing', 'scoring', 'segmentation', 'delivery', 'console'].map((app) => ({
            sourceTag: `app:${app}`,
            onlyDependOnLibsWithTags: ['type:lib'],
          })),
        ],
      }],
    },
  },
  {
    // Contracts and decisions are data and pure functions.
    files: ['libs/domain/src/**/*.ts'],
    ignores: [...TESTS, 'libs/domain/src/**/testing/**'],
    rules: {
      'no-restricted-globals': ['error', ...['process', 'setTimeout', 'setInterval', 'fetch', 'performance', 'crypto'].map((name) => ({
        name,
        message: 'A decision has no clock, no randomness and no I/O: pass it in.',
      }))],
      'no-restricted-syntax': ['error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'No clock in the domain: `now` is an argument.' },
        { selector: "MemberExpression[object.name='Date'][property.name='now']", message: 'No clock in the domain: `now` is an argument.' },
        { selector: "MemberExpression[object.name='Math'][property.name='random']", message: 'No randomness in the domain: pass it in.' },
        { selector: ':function[async=true]', message: 'Decisions are synchronous.' },
      ],
    },
  },
  restrict(['apps/**/*.ts', 'libs/**/*.ts'], kafka, typeorm, nest),
  restrict(KAFKA_FILES, typeorm, nest),
  restrict(TYPEORM_FILES, kafka, nest),
  restrict(NEST_FILES, kafka, typeorm),
  // Commands speak to a person; a service writes its log.
  { files: ['tools/**', 'apps/compact/src/migrate.ts', 'e2e/**', 'bench/**', 'apps/console/web/**', '**/*.test.ts'], rules: { 'no-console': 'off' } },
  {
    // A test builds what it needs from anywhere, and builders of libs/testing serve the libs that they build for.
    files: TESTS,
    rules: { '@nx/enforce-module-boundaries': 'off', '@typescript-eslint/no-restricted-imports': 'off' },
  },
);
