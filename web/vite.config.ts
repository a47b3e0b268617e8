// Builds the page into packages/mien/dist/web: relative addresses, the model's files, and a service worker that knows every file.
import { createReadStream, existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { defineConfig, type Plugin } from 'vite';
import { sha256 } from 'mien-engine/node';
import { alias } from '../packages/sources.js';
import { MANIFEST_NAME, manifestSchema, neededFiles } from 'mien/parts';

const root = import.meta.dirname;
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig({
  root,
  base: './',
  resolve: { alias },
  build: {
    outDir: resolve(root, '../packages/mien/dist/web'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        index: join(root, 'index.html'),
        'service-worker': join(root, 'service-worker/service-worker.ts'),
      },
      output: {
        // Browsers know a service worker by its address.
        entryFileNames: ({ name }) => (name === 'service-worker' ? '[name].js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  worker: { format: 'es' },
  server: { headers: ISOLATION },
  preview: { headers: ISOLATION },
  plugins: [model(resolve(process.env['MIEN_BUNDLE'] ?? join(root, '../models/lite'))), serviceWorkerFiles()],
});

/** The bundle's files under `model/`, in the build as in development. */
function model(folder: string): Plugin {
  return {
    name: 'mien:model',
    async generateBundle() {
      const path = join(folder, MANIFEST_NAME);
      if (!existsSync(path))
        this.error(`No bundle is in ${folder}. Make one with \`mien export\`, or name one with MIEN_BUNDLE.`);
      const manifest = manifestSchema.parse(JSON.parse(await readFile(path, 'utf8')));
      for (const name of [MANIFEST_NAME, ...neededFiles(manifest)])
        this.emitFile({
          type: 'asset',
          fileName: `model/${name}`,
          source: await readFile(join(folder, name)),
        });
    },
    configureServer({ middlewares }) {
      middlewares.use('/model', (request, response, next) => {
        const file = join(folder, basename(request.url ?? ''));
        stat(file).then(
          ({ size }) => {
            response.setHeader('Content-Length', size);
            createReadStream(file).pipe(response);
          },
          () => next(),
        );
      });
    },
  };
}

/** Names and hashes of all files of the build, put into the service worker. */
function serviceWorkerFiles(): Plugin {
  return {
    name: 'mien:service-worker',
    enforce: 'post',
    generateBundle: {
      order: 'post',
      async handler(_options, bundle) {
        const contents: Record<string, string | Uint8Array> = {};
        for (const [name, file] of Object.entries(bundle))
          // Browsers know the page by its folder.
          contents[name === 'index.html' ? './' : name] = file.type === 'chunk' ? file.code : file.source;
        for (const name of await readdir(join(root, 'public')))
          if (!name.startsWith('_')) contents[name] = await readFile(join(root, 'public', name));
        const worker = bundle['service-worker.js'];
        if (worker?.type !== 'chunk') return this.error('the service worker was not built');
        const hashes = (ofThese: (name: string) => boolean): string => {
          const names = Object.keys(contents).filter(
            (name) => !name.startsWith('model/') && name !== 'service-worker.js' && ofThese(name),
          );
          return JSON.stringify(Object.fromEntries(names.map((name) => [name, sha256(contents[name]!)])));
        };
        worker.code = worker.code
          .replaceAll(
            '__SHELL__',
            hashes((name) => !name.endsWith('.wasm')),
          )
          .replaceAll(
            '__ON_DEMAND__',
            hashes((name) => name.endsWith('.wasm')),
          );
      },
    },
  };
}
