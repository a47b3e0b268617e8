// Fetching over an unreliable network: only verified files are stored, and deleted only once a newer bundle is complete.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { sha256 } from 'mien-engine/node';
import type { MienError } from 'mien-engine/base';
import { DETECTOR_FILE } from '../../src/detector/blazeface.js';
import { fetchBundle, openFetched } from '../../src/recognizer/fetch-bundle.js';
import { fetchKnown, type FileStore } from '../../src/recognizer/fetch-file.js';
import { legibleManifest } from '../../../../test/support/bundle.js';

const ADDRESS = 'https://host.example/model/';
const PORTAL = '<!DOCTYPE html>\n<title>Log in to the network</title>';

type Answer = () => Response | Promise<Response>;
/** By URL. */
let host: Record<string, Answer>;
let requested: { url: string; cache: string }[];
let stored: Map<string, Uint8Array>;
let full: boolean;

const store: FileStore = {
  get: async (key) => stored.get(key),
  has: async (key) => stored.has(key),
  put: async (key, content) => void (full || stored.set(key, content)),
  delete: async (key) => void stored.delete(key),
};

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const ok =
  (body: string | Uint8Array<ArrayBuffer>, type = 'application/octet-stream', status = 200): Answer =>
  () =>
    new Response(body, { status, headers: { 'content-type': type } });
const page = ok(PORTAL, 'text/html; charset=utf-8');
const gone: Answer = () => Promise.reject(new TypeError('fetch failed'));
const brokenOff =
  (body: string): Answer =>
  () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(bytesOf(body)),
        pull: (controller) => controller.error(new TypeError('terminated')),
      }),
    );

/** Files of a bundle, with its version as content. */
const filesOf = (version: string): Record<string, string> => ({
  'text.onnx': `words ${version}`,
  'tokenizer.json': '{}',
  'face.onnx': `faces ${version}`,
  'decision.onnx': `both ${version}`,
});

/** Publishes a bundle on the host. */
function publish(version: string): void {
  const files = filesOf(version);
  const entries = Object.entries(files).map(
    ([name, text]) => [name, { sha256: sha256(bytesOf(text)), bytes: text.length }] as const,
  );
  const manifest = { ...legibleManifest, name: version, files: Object.fromEntries(entries) };
  host = { [`${ADDRESS}manifest.json`]: ok(JSON.stringify(manifest), 'application/json') };
  for (const [name, text] of Object.entries(files)) host[ADDRESS + name] = ok(text);
}

const everything = (answer: Answer): void => {
  for (const url of Object.keys(host)) host[url] = answer;
};
const load = async (): Promise<string> => {
  const { manifest, files } = await fetchBundle(ADDRESS, { store });
  for (const [name, text] of Object.entries(filesOf(manifest.name)))
    expect(new TextDecoder().decode(files[name])).toBe(text);
  return manifest.name;
};
const failure = (promise: Promise<unknown>): Promise<MienError> =>
  promise.then(
    () => expect.fail('there was no error'),
    (error: unknown) => error as MienError,
  );

beforeEach(() => {
  [stored, full, requested] = [new Map(), false, []];
  publish('one');
  vi.stubGlobal('fetch', async (url: string, { cache = '' }: { cache?: string }) => {
    requested.push({ url, cache });
    return (host[url] ?? ok('', 'text/plain', 404))();
  });
});
afterEach(() => vi.unstubAllGlobals());

/** Responses of a network or a host in place of a file. */
const WRONG_ANSWERS: readonly (readonly [string, Answer])[] = [
  ['nothing', gone],
  ['the page of a captive portal', page],
  ['a page without a type', ok(PORTAL, '')],
  ['other JSON', ok('{"login":"/"}', 'application/json')],
  ['an error', ok('', 'text/plain', 503)],
  ['partial content', ok('words', 'application/octet-stream', 206)],
  ['a truncated file', ok('wor')],
  ['a longer file', ok('words one, and then some more')],
  ['another file of the same size', ok('words two')],
  ['a connection that breaks', brokenOff('wor')],
  ['an empty file', ok('')],
];

describe.each(WRONG_ANSWERS)('a host that answers with %s', (_what, answer) => {
  test('does not change the stored bundle, which is used', async () => {
    await load();
    const before = new Map(stored);
    everything(answer);
    expect(await load()).toBe('one');
    expect(stored).toEqual(before);
  });

  test('for one file of a new bundle leaves the old one complete', async () => {
    await load();
    publish('two');
    host[`${ADDRESS}face.onnx`] = answer;
    expect(await load()).toBe('one');
    everything(gone);
    expect(await load()).toBe('one');
    publish('two');
    expect(await load()).toBe('two');
    everything(gone);
    expect(await load()).toBe('two');
    const hashes = Object.values(filesOf('one')).map((text) => sha256(bytesOf(text)));
    // Of the old files, only the one that the new bundle has as well.
    expect(hashes.filter((hash) => stored.has(hash))).toEqual([sha256(bytesOf('{}'))]);
  });

  test('gives a typed error that names the file when nothing is stored, and stores neither it nor the manifest', async () => {
    const url = `${ADDRESS}text.onnx`;
    host[url] = answer;
    const error = await failure(load());
    expect(['offline', 'bundle']).toContain(error.code);
    expect(error.place.file).toBe(url);
    // Other files may have arrived, which the next attempt need not fetch.
    const others = ['{}', ...Object.values(filesOf('one')).slice(1)].map((text) => sha256(bytesOf(text)));
    expect([...stored.keys()].filter((key) => !others.includes(key))).toEqual([]);
  });
});

test('describes an unexpected response by its type and first characters or bytes', async () => {
  host[`${ADDRESS}text.onnx`] = page;
  const ofPage = await failure(load());
  expect(ofPage.message).toContain(
    `${ADDRESS}text.onnx: is not the file that the bundle was made with: the response is text/html and begins with “<!DOCTYPE html> <title>Log in`,
  );
  expect(ofPage.hint).toMatch(/web page was sent in its place/);
  host[`${ADDRESS}text.onnx`] = ok(Uint8Array.of(8, 10, 0, 255), '');
  expect((await failure(load())).message).toMatch(
    /of unspecified type and begins with the bytes 08 0a 00 ff/,
  );
  host[`${ADDRESS}manifest.json`] = page;
  expect((await failure(load())).message).toMatch(/manifest\.json: is not JSON.*text\/html.*<!DOCTYPE html>/);
  host[`${ADDRESS}manifest.json`] = ok('', 'text/plain', 404);
  expect((await failure(load())).message).toMatch(/status 404[^]*pass the folder’s URL/);
});

test('bypasses the browser’s HTTP cache if that has an older file or the page of a portal', async () => {
  const url = `${ADDRESS}text.onnx`;
  const right = host[url]!;
  host[url] = () => (requested.at(-1)!.cache === 'reload' ? right() : page());
  const reported: [number, number][] = [];
  const onProgress = (loaded: number, total: number): void => void reported.push([loaded, total]);
  await fetchBundle(ADDRESS, { store, onProgress });
  expect(requested.filter((one) => one.url === url).map(({ cache }) => cache)).toEqual(['default', 'reload']);
  expect(requested[0]).toEqual({ url: `${ADDRESS}manifest.json`, cache: 'no-cache' });
  expect(reported.at(-1)![0]).toBe(reported.at(-1)![1]);
});

test('fetches a file once, and again when the stored one is damaged', async () => {
  await load();
  requested = [];
  await load();
  expect(requested.map(({ url }) => url)).toEqual([`${ADDRESS}manifest.json`]);
  const hash = sha256(bytesOf('faces one'));
  stored.set(hash, bytesOf(PORTAL));
  await load();
  expect(requested.at(-1)!.url).toBe(`${ADDRESS}face.onnx`);
  stored.set(hash, bytesOf(PORTAL));
  everything(gone);
  expect((await failure(load())).code).toBe('offline');
});

test('keeps the stored bundle when the disk is full', async () => {
  await load();
  publish('two');
  full = true;
  expect(await load()).toBe('two');
  everything(gone);
  expect(await load()).toBe('one');
});

test('does not fall back to the stored bundle when aborted', async () => {
  await load();
  publish('two');
  const controller = new AbortController();
  host[`${ADDRESS}text.onnx`] = async () => {
    controller.abort();
    throw controller.signal.reason;
  };
  const error = await failure(fetchBundle(ADDRESS, { store, signal: controller.signal }));
  expect(error.code).toBe('interrupted');
});

test('verifies the face detector by its hash', async () => {
  const model = await readFile(
    join(import.meta.dirname, '../../../../models/blazeface/face_detection_back_256x256.onnx'),
  );
  expect(DETECTOR_FILE).toEqual({ bytes: model.length, sha256: sha256(model) });
  const url = 'https://host.example/detector.onnx';
  const get = () =>
    fetchKnown(url, DETECTOR_FILE, { store, mismatch: { code: 'format', message: 'is not the detector' } });
  host[url] = page;
  const error = await failure(get());
  expect([error.code, error.place.file]).toEqual(['format', url]);
  expect(error.message).toContain('text/html and begins with “<!DOCTYPE html>');
  host[url] = ok(Uint8Array.from(model));
  await get();
  host[url] = page;
  expect(sha256(await get())).toBe(DETECTOR_FILE.sha256);
  expect([...stored.keys()]).toEqual([DETECTOR_FILE.sha256]);
});

test('opens what has arrived while larger files are on their way', async () => {
  const text = `${ADDRESS}text.onnx`;
  const whole = host[text]!;
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  host[text] = async () => held.then(whole);
  const order: string[] = [];
  const opening = openFetched(ADDRESS, { store }, async (_manifest, file) => {
    await file('face.onnx');
    order.push('face');
    release();
    await file('text.onnx');
    order.push('text');
    return 'opened';
  });
  expect((await opening).opened).toBe('opened');
  expect(order).toEqual(['face', 'text']);
});

const hashOf = (version: string, file: string): string => sha256(bytesOf(filesOf(version)[file]!));
/** Opens as a page does that reads texts first. */
const openText = (given: FileStore = store) =>
  openFetched(ADDRESS, { store: given, textFirst: true }, async (_manifest, file) => {
    const content = new TextDecoder().decode(await file('text.onnx'));
    return { content, face: async () => new TextDecoder().decode(await file('face.onnx')) };
  });

test('is usable before anything is stored, and stores everything afterwards', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const slow = {
    ...store,
    put: async (key: string, content: Uint8Array) => held.then(() => store.put(key, content)),
  };
  const opening = await openText(slow);
  expect(opening.opened.content).toBe('words one');
  expect(await opening.opened.face()).toBe('faces one');
  expect(stored.size).toBe(0);
  release();
  await opening.stored;
  for (const file of Object.keys(filesOf('one'))) expect(stored.has(hashOf('one', file))).toBe(true);
  everything(gone);
  expect(await load()).toBe('one');
});

test.each([
  ['rejects', () => Promise.reject(new DOMException('', 'QuotaExceededError'))],
  ['throws', () => { throw new Error('no'); }], // prettier-ignore
] as const)(
  'a store that %s once all is open leaves no error, and no half of a bundle',
  async (_how, put) => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const { opened, stored: storing } = await openText({ ...store, put });
    await storing;
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
    expect(await opened.face()).toBe('faces one');
    expect(stored.size).toBe(0);
    // With a store that works again.
    expect(await load()).toBe('one');
  },
);

test('asks by the given function for everything, whether at once or again', async () => {
  const asked: string[] = [];
  const own = async (url: string, init: object): Promise<Response> => {
    const { cache = 'default' } = init as { cache?: string };
    asked.push(`${url.slice(ADDRESS.length)} ${cache}`);
    return asked.length === 2 ? page() : host[url]!();
  };
  const { opened, stored: storing } = await openFetched(
    ADDRESS,
    { store, textFirst: true, fetch: own },
    async (_manifest, file) => file('text.onnx'),
  );
  await storing;
  expect(new TextDecoder().decode(opened)).toBe('words one');
  expect(requested).toEqual([]);
  expect(asked.toSorted()).toEqual([
    'decision.onnx default',
    'face.onnx default',
    'manifest.json no-cache',
    'text.onnx default',
    'text.onnx reload',
    'tokenizer.json default',
  ]);
});

test('fetches the text’s files first, and the others once these are there', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const text = host[`${ADDRESS}text.onnx`]!;
  host[`${ADDRESS}text.onnx`] = async () => held.then(text);
  const opening = openText();
  await vi.waitFor(() => expect(requested).toHaveLength(4));
  expect(requested.map(({ url }) => url.slice(ADDRESS.length)).toSorted()).toEqual([
    'decision.onnx',
    'manifest.json',
    'text.onnx',
    'tokenizer.json',
  ]);
  release();
  await (
    await opening
  ).arrived;
  expect(requested.at(-1)!.url).toBe(`${ADDRESS}face.onnx`);
});

test('what fails in the background is an error of whoever needs it, and is fetched again', async () => {
  const face = host[`${ADDRESS}face.onnx`]!;
  host[`${ADDRESS}face.onnx`] = gone;
  const { opened, stored: storing } = await openText();
  await storing;
  // The text's files are kept, but not as a bundle.
  expect(stored.has(hashOf('one', 'text.onnx'))).toBe(true);
  expect(stored.has(`${ADDRESS}manifest.json`)).toBe(false);
  expect((await failure(opened.face())).code).toBe('offline');
  host[`${ADDRESS}face.onnx`] = face;
  expect(await opened.face()).toBe('faces one');
});

test('an abort ends what is on its way in the background', async () => {
  const controller = new AbortController();
  let arrive = (): void => undefined;
  const asked = new Promise<void>((resolve) => (arrive = resolve));
  host[`${ADDRESS}face.onnx`] = () => {
    arrive();
    return new Promise((_resolve, reject) => {
      controller.signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
  };
  const { opened, stored: storing } = await openFetched(
    ADDRESS,
    { store, textFirst: true, signal: controller.signal },
    async (_manifest, file) => {
      await file('text.onnx');
      return { face: async () => file('face.onnx') };
    },
  );
  const face = failure(opened.face());
  await asked;
  controller.abort();
  expect((await face).code).toBe('interrupted');
  await storing;
  expect(stored.has(`${ADDRESS}manifest.json`)).toBe(false);
});

test('a bundle that arrives but does not open is not replaced by the stored one', async () => {
  await load();
  publish('two');
  const opened: string[] = [];
  const error = await failure(
    openFetched(ADDRESS, { store }, async ({ name }) => {
      opened.push(name);
      throw new Error('not a model');
    }),
  );
  expect([error.message, opened]).toEqual(['not a model', ['two']]);
});
