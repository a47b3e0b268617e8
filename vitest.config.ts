// Tests run in child processes: ONNX Runtime's binding does not survive worker threads. `*.slow.test.ts` are whole
// trainings, which have a command of their own (`npm run test:slow`).
import { configDefaults, defineConfig } from 'vitest/config';

const slow = 'test/**/*.slow.test.ts';

export default defineConfig(({ mode }) => ({
  test: {
    include: mode === 'slow' ? [slow] : ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(mode === 'slow' ? [] : [slow])],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
}));
