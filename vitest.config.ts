// Tests run in two child processes (ONNX Runtime's binding does not survive worker threads), each of which keeps what it
// has imported: a file that mocks a module or changes a global puts it back. `*.slow.test.ts` are whole trainings, which
// have a command of their own (`npm run test:slow`).
import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';

const slow = 'test/**/*.slow.test.ts';
const src = join(import.meta.dirname, 'src');

export default defineConfig(({ mode }) => ({
  resolve: {
    alias: [
      // The examples name the package; they are tried on its sources.
      { find: /^mien$/, replacement: join(src, 'index.ts') },
      { find: /^mien\/browser$/, replacement: join(src, 'browser.ts') },
      // Child processes start from JavaScript.
      {
        find: /^\.\/script\.js$/,
        replacement: join(import.meta.dirname, 'test/support/script.ts'),
      },
    ],
  },
  test: {
    include: mode === 'slow' ? [slow] : ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(mode === 'slow' ? [] : [slow])],
    globalSetup: join(import.meta.dirname, 'test/support/build.ts'),
    setupFiles: join(import.meta.dirname, 'test/support/setup.ts'),
    pool: 'forks',
    isolate: false,
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
}));
