// Lint rules: TypeScript's strict checks, those of promises, and the floors (a floor imports itself and what lies below).
// Import circles are found by Oxlint (.oxlintrc.json), which reads the whole graph of imports at once, types included.
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Top to bottom. A file may import from its own folder and from folders further down this list. */
export const floors = [
  'cli',
  'server',
  'recognizer',
  'explain',
  'bundle',
  'report',
  'experiment',
  'learn',
  'evaluate',
  'train',
  'models',
  'features',
  'detector',
  'encoders',
  'data',
  'nn',
  'graph',
  'runtime',
  'base',
];

const floorRules = floors.map((floor, index) => ({
  files: [`src/${floor}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^(\\.\\./)+(${[...floors.slice(0, index), 'index\\.js'].join('|')})(/|$)`,
            message: `Imports point downwards only: src/${floor}/ may not import from a floor above it.`,
          },
        ],
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ['dist/', '.built/', 'out/', 'coverage/', 'src/graph/onnx_pb.ts', 'models/'] },
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
