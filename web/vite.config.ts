// Builds the page into packages/mien/dist/web: with relative URLs, the model's files, and a service worker that lists
// every file.
import { createReadStream, existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';
import { sha256 } from 'mien-engine/node';
import { alias } from '../packages/sources.js';
import { laterFiles, MANIFEST_NAME, manifestSchema } from 'mien/parts/bundle';
import { neededFiles } from 'mien/parts/recognizer';

const root = import.meta.dirname;
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Where the language detector has its n-grams: a megabyte of object literals. */
const NGRAMS = /\/eld\/src\/ngrams\/\w+\.js$/;

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
        // Browsers identify a service worker by its URL.
        entryFileNames: ({ name }) => (name === 'service-worker' ? '[name].js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  server: { headers: ISOLATION },
  preview: { headers: ISOLATION },
  worker: { format: 'es', plugins: () => [ngramsAsJson()] },
  plugins: [
    model(resolve(process.env['MIEN_BUNDLE'] ?? join(root, '../models/lite'))),
    ngramsAsJson(),
    serviceWorkerFiles(),
    compressedForms(),
  ],
});

/** Serves the bundle's files under `model/`, in the build and in development. */
function model(folder: string): Plugin {
  return {
    name: 'mien:model',
    async generateBundle() {
      const path = join(folder, MANIFEST_NAME);
      if (!existsSync(path))
        this.error(`There is no bundle in ${folder}. Create one with \`mien export\`, or set MIEN_BUNDLE.`);
      const manifest = manifestSchema.parse(JSON.parse(await readFile(path, 'utf8')));
      for (const name of [MANIFEST_NAME, ...neededFiles(manifest), ...laterFiles(manifest)]) {
        const source = await readFile(join(folder, name));
        const fileName = `model/${name}`;
        this.emitFile({ type: 'asset', fileName, source });
      }
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

/** Writes the language detector's n-grams as JSON, which browsers read in a third of the time of the same literals. */
function ngramsAsJson(): Plugin {
  return {
    name: 'mien:ngrams',
    transform: {
      filter: { id: NGRAMS },
      async handler(_code, id) {
        const { ngramsData } = (await import(pathToFileURL(id).href)) as { ngramsData: unknown };
        const json = JSON.stringify(JSON.stringify(ngramsData));
        return { code: `export const ngramsData = JSON.parse(${json});`, map: null };
      },
    },
  };
}

/** Of a file's size that must be saved for a compressed form of it to be worth its decompression. */
const WORTH_SAVING = 0.1;
/** Smaller files would hardly arrive sooner. */
const LEAST_BYTES = 4096;
/** Higher ones save no more of weights, and a twentieth of WebAssembly in three times the time. */
const BROTLI_QUALITY = 5;

/**
 * Writes compressed forms beside the files, for hosts that serve them in the file's place: most do not compress models,
 * though weights of seven bits in bytes leave a seventh to save, and compress code and WebAssembly by gzip only.
 */
function compressedForms(): Plugin {
  return {
    name: 'mien:compressed',
    enforce: 'post',
    generateBundle: {
      order: 'post',
      async handler(_options, bundle) {
        for (const [fileName, file] of Object.entries(bundle)) {
          const source = Buffer.from(file.type === 'chunk' ? file.code : file.source);
          if (source.length < LEAST_BYTES) continue;
          for (const [ending, compressed] of await compressions(source))
            this.emitFile({ type: 'asset', fileName: fileName + ending, source: compressed });
        }
      },
    },
  };
}

async function compressions(source: Buffer): Promise<(readonly [ending: string, content: Buffer])[]> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY };
  const forms = [
    ['.br', await promisify(brotliCompress)(source, { params })],
    ['.gz', await promisify(gzip)(source)],
  ] as const;
  return forms.filter(([, { length }]) => length < (1 - WORTH_SAVING) * source.length);
}

/** Inserts names and hashes of all files of the build into the service worker. */
function serviceWorkerFiles(): Plugin {
  return {
    name: 'mien:service-worker',
    enforce: 'post',
    generateBundle: {
      order: 'post',
      async handler(_options, bundle) {
        const contents = new Map<string, string | Uint8Array>();
        for (const [name, file] of Object.entries(bundle))
          // Browsers request the page as its folder.
          contents.set(name === 'index.html' ? './' : name, file.type === 'chunk' ? file.code : file.source);
        for (const name of await readdir(join(root, 'public')))
          if (!name.startsWith('_')) contents.set(name, await readFile(join(root, 'public', name)));
        const worker = bundle['service-worker.js'];
        if (worker?.type !== 'chunk') return this.error('the service worker was not built');
        const files = [...contents].filter(
          ([name]) => !name.startsWith('model/') && name !== 'service-worker.js',
        );
        const hashes = (areWasm: boolean): string =>
          JSON.stringify(
            Object.fromEntries(
              files
                .filter(([name]) => name.endsWith('.wasm') === areWasm)
                .map(([name, content]) => [name, sha256(content)]),
            ),
          );
        worker.code = worker.code
          .replaceAll('__SHELL__', hashes(false))
          .replaceAll('__ON_DEMAND__', hashes(true));
      },
    },
  };
}
