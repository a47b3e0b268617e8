// Tests run in child processes: ONNX Runtime's binding does not survive worker threads.
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const src = join(import.meta.dirname, 'src');

export default defineConfig({
  // The examples name the package; they are tried on its sources.
  resolve: {
    alias: [
      { find: /^mien$/, replacement: join(src, 'index.ts') },
      { find: /^mien\/browser$/, replacement: join(src, 'browser.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
