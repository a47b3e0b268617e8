// Lint rules: TypeScript's strict checks, those of promises, and the floors (a floor imports itself and what lies below).
// Import circles are found by Oxlint (.oxlintrc.json), which reads the whole graph of imports at once, types included.
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * The floors of each package, top to bottom. A file may import from its own folder and from folders further down its
 * list; from packages below it by their names.
 */
export const floors = {
  engine: ['layers', 'graph', 'runtime', 'base'],
  mien: [
    'cli',
    'server',
    'watch',
    'recognizer',
    'explain',
    'bundle',
    'modalities',
    'evaluate',
    'detector',
    'words',
    'audio',
    'encoders',
    'data',
    'base',
  ],
  lab: [
    'cli',
    'export',
    'report',
    'experiments',
    'modalities',
    'learn',
    'evaluate',
    'train',
    'heads',
    'features',
    'encoders',
    'data',
    'base',
  ],
};

/** What a package exports; its own files import from where a thing is. */
const entries = {
  engine: ['index', 'base', 'node'],
  mien: ['index', 'browser', 'page', 'cli', 'watch', '[a-z]+/parts'],
  lab: ['index', 'cli'],
};

/** What a package's files may not import by name: packages above it, and its own name. */
const above = { engine: ['mien-engine', 'mien', 'mien-lab'], mien: ['mien', 'mien-lab'], lab: ['mien-lab'] };

const floorRules = Object.entries(floors).flatMap(([folder, names]) =>
  names.map((floor, index) => ({
    files: [`packages/${folder}/src/${floor}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^(\\.\\./)+(${[...names.slice(0, index), `(${entries[folder].join('|')})\\.js`].join('|')})(/|$)`,
              message: `Imports point downwards only: ${folder}'s ${floor}/ may not import from a floor above it.`,
            },
            {
              regex: `^(${above[folder].join('|')})(/|$)`,
              message: `The package in ${folder}/ may not import itself by name, nor a package above it.`,
            },
            { regex: '/packages/', message: 'Other packages are imported by name.' },
          ],
        },
      ],
    },
  })),
);

export default tseslint.config(
  {
    ignores: [
      '**/dist/',
      '**/.built/',
      'out/',
      'coverage/',
      'packages/engine/src/graph/onnx_pb.ts',
      // AssemblyScript.
      'packages/lab/wasm/*.ts',
      'packages/*/models/',
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.ts', '**/*.tsx'],
    languageOptions: {
      parserOptions: {
        // All that `npm run typecheck` checks; a file that belongs to none of them is an error.
        project: [
          'tsconfig.json',
          'tsconfig.browser.json',
          'web/tsconfig.json',
          'web/service-worker/tsconfig.json',
          'examples/tsconfig.json',
        ],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
    },
  },
  ...floorRules,
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } },
  },
  {
    files: ['test/runtimes/project/**'],
    languageOptions: {
      globals: Object.fromEntries(
        ['Blob', 'Response', 'URL', 'expect', 'test'].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['bench/**', 'examples/**', 'test/runtimes/project/**'],
    rules: { 'no-console': 'off' },
  },
);
