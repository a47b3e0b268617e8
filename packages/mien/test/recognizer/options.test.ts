// Invalid options are usage errors that name the option; locations of bundles, and errors when fetching them.
import { createServer, type Server } from 'node:http';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recognizerOf } from '../../src/recognizer/facade.js';
import { fetchBundle } from '../../src/recognizer/fetch-bundle.js';
import { placeOfBundle } from '../../src/recognizer/node/bundle-place.js';
import { loadRecognizer } from '../../src/recognizer/node/load.js';
import { trackFaces } from '../../src/recognizer/tracking.js';
import { writeLegible } from '../../../../test/support/bundle.js';

/** No literal in the import: its types are those of a browser. */
const BROWSER: string = '../../src/recognizer/browser/load.js';
const { loadRecognizer: loadInBrowser } = (await import(BROWSER)) as {
  loadRecognizer: typeof loadRecognizer;
};

const computes = (): never => {
  throw new Error('nothing should be computed');
};
const recognizer = recognizerOf({
  info: { name: '', labels: {}, priors: {}, words: false, certainty: false, terms: [], files: {} },
  run: async () => computes(),
  explain: async () => computes(),
  dispose: async () => undefined,
});
const item = { text: 'joy' };

const calls: Readonly<Record<string, (options: never) => unknown>> = {
  loadRecognizer,
  'loadRecognizer in browsers': loadInBrowser,
  recognize: (options) => recognizer.recognize(item, options),
  stream: (options) => recognizer.stream([item], options).next(),
  explain: (options) => recognizer.explain(item, options),
  session: async (options) => recognizer.session(options),
  trackFaces: async (options) => trackFaces(options),
};
const wrong: Readonly<Record<string, readonly object[]>> = {
  loadRecognizer: [
    ...[-1, 0, 1.5, Number.NaN, Infinity, '2', null, true, 5000].map((threads) => ({ threads })),
    ...[-1, 0.5, Number.NaN, '1', 1e9].map((processes) => ({ processes })),
    ...['abc', '100', 0, -5, 2.5, Number.NaN, Infinity].map((maxPixels) => ({ maxPixels })),
    { files: 'false' },
    { files: 0 },
    { spinning: 'yes' },
    ...['', ' ', 7, null, {}, ['a'], 'ftp://host/x', 's3://bucket/x', 'http://', 'file://host/x'].map(
      (bundle) => ({ bundle }),
    ),
  ],
  'loadRecognizer in browsers': [
    { threads: -1 },
    { maxPixels: 'abc' },
    { cache: 'no' },
    { device: 'gpu' },
    { signal: {} },
    { onProgress: 5 },
  ].map((options) => ({ bundle: 'models/lite', ...options })),
  recognize: [
    { faces: 'crop' },
    { faces: 1 },
    { allFaces: 'yes' },
    { mirror: 'false' },
    { gate: 1 },
    { signal: {} },
    { near: {} },
    { places: 'here' },
    { coverage: '0.9' },
    { risk: null },
  ],
  stream: [
    { batchSize: 0 },
    { batchSize: 1.5 },
    { batchSize: Number.NaN },
    { batchSize: '4' },
    { gate: 'x' },
  ],
  explain: [{ label: 5 }, { faces: 'all' }, { signal: 'now' }],
  session: [{ faceHalfLife: -1 }, { textHalfLife: '8' }, { faceHalfLife: Number.NaN }, { mirror: 0 }],
  trackFaces: [{ lookEvery: -1 }, { searchEvery: Number.NaN }, { lookEvery: '9' }],
};

describe.each(Object.entries(calls))('%s', (name, call) => {
  test('rejects invalid values and names the option', async () => {
    for (const options of wrong[name]!) {
      const field = Object.keys(options).at(-1)!;
      const rejected = Promise.resolve().then(() => call(options as never));
      await expect(rejected, JSON.stringify(options)).rejects.toMatchObject({
        code: 'usage',
        place: { field },
      });
    }
  });

  test('rejects options that are not an object', async () => {
    for (const options of ['models/lite', 5, null, []]) {
      const rejected = Promise.resolve().then(() => call(options as never));
      await expect(rejected).rejects.toMatchObject({ code: 'usage' });
    }
  });
});

test('a bundle is located by a folder, its manifest, or their URLs', () => {
  const folder = join(tmpdir(), 'a b');
  const url = pathToFileURL(folder);
  for (const name of [
    folder,
    join(folder, 'manifest.json'),
    url,
    url.href,
    `${url.href}?x=1#y`,
    ` ${folder}\n`,
  ])
    expect(placeOfBundle(name)).toBe(folder);
  expect(placeOfBundle('models/lite')).toBe('models/lite');
  expect(placeOfBundle('C:\\models\\lite')).toBe('C:\\models\\lite');
  expect(placeOfBundle(new URL('https://host/lite?sig=1'))).toBe('https://host/lite?sig=1');
});

describe('over HTTP', () => {
  let root: string;
  let server: Server;
  let address: string;
  const requested: string[] = [];
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'mien-http-'));
    await writeLegible(root);
    server = createServer((request, response) => {
      requested.push(request.url!);
      const { pathname, searchParams } = new URL(request.url!, 'http://host');
      if (searchParams.get('sig') !== 'secret') return void response.writeHead(403).end();
      if (!pathname.startsWith('/models/lite/')) return void response.writeHead(404).end();
      void readFile(join(root, basename(pathname))).then((content) => response.end(content));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(root, { recursive: true });
  });

  test('each file is requested with the query of the bundle’s URL, but not its fragment', async () => {
    for (const path of ['/models/lite', '/models/lite//', '/models/lite/manifest.json']) {
      requested.length = 0;
      const { manifest } = await fetchBundle(new URL(`${address}${path}?sig=secret&x=a%20b#part`));
      expect(manifest.name).toBe('legible');
      expect(requested.length).toBeGreaterThan(3);
      for (const url of requested) expect(url).toMatch(/^\/models\/lite\/[\w.]+\?sig=secret&x=a%20b$/);
    }
  });

  test('errors say where, why and what to do, without secrets', async () => {
    const failure = (folder: string) => fetchBundle(folder).catch((error: Error) => error.message);
    expect(await failure(`${address}/models/lite?sig=wrong`)).toMatch(
      new RegExp(
        `^${address}/models/lite/manifest\\.json\\?…: could not be fetched \\(status 403 Forbidden\\)\\n.*signed`,
      ),
    );
    expect(await failure(`${address}/other?sig=secret`)).toMatch(/status 404 Not Found\)\n.*folder’s URL/);
    expect(await failure('http://127.0.0.1:9/lite')).toMatch(
      /could not be fetched \(.*\b(refused|ECONNREFUSED|port)\b/i,
    );
  });
});
