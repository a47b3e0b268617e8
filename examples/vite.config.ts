// Builds the examples that need a bundler, with a model beside them. Here the package's name stands for its sources; an
// application needs no alias.
import { cp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { defineConfig } from 'vite';
import { alias } from '../packages/sources.js';

const root = import.meta.dirname;
const bundle = resolve(process.env['MIEN_BUNDLE'] ?? join(root, '../models/lite'));

export default defineConfig({
  root,
  resolve: { alias },
  worker: { format: 'es' },
  build: {
    outDir: join(root, '../out/examples'),
    emptyOutDir: true,
    rolldownOptions: { input: [join(root, 'react.html'), join(root, 'worker/index.html')] },
  },
  plugins: [
    {
      name: 'model',
      writeBundle: ({ dir }) => cp(bundle, join(dir!, 'models/lite'), { recursive: true, dereference: true }),
    },
  ],
});
