// Tests run in two child processes (ONNX Runtime's binding does not survive worker threads), each of which keeps what it
// has imported: a file that mocks a module or changes a global puts it back. `*.slow.test.ts` are whole trainings, which
// have a command of their own (`npm run test:slow`).
import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';
import { alias } from './packages/sources.js';

const tests = ['test', 'packages/*/test'];
const slow = tests.map((folder) => `${folder}/**/*.slow.test.ts`);

export default defineConfig(({ mode }) => ({
  resolve: {
    // Packages are tried on their sources, whoever names them.
    alias: [
      ...alias,
      // Child processes start from JavaScript.
      {
        find: /^\.\/module-file\.js$/,
        replacement: join(import.meta.dirname, 'test/support/module-file.ts'),
      },
    ],
  },
  test: {
    include: mode === 'slow' ? slow : tests.map((folder) => `${folder}/**/*.test.ts`),
    exclude: [...configDefaults.exclude, ...(mode === 'slow' ? [] : slow)],
    globalSetup: join(import.meta.dirname, 'test/support/build.ts'),
    setupFiles: join(import.meta.dirname, 'test/support/setup.ts'),
    pool: 'forks',
    isolate: false,
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
}));
