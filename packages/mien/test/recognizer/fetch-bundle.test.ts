// Files over a network that lies: what is kept was checked, and is let go only for something better.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { sha256 } from 'mien-engine/node';
import type { MienError } from 'mien-engine/base';
import { DETECTOR_FILE } from '../../src/detector/blazeface.js';
import { fetchBundle } from '../../src/recognizer/fetch-bundle.js';
import { fetchKnown, type FileStore } from '../../src/recognizer/fetch-file.js';
import { legibleManifest } from '../../../../test/support/bundle.js';

const ADDRESS = 'https://host.example/model/';
const PORTAL = '<!DOCTYPE html>\n<title>Log in to the network</title>';

type Answer = () => Response | Promise<Response>;
/** By address; the last of several goes on answering. */
let host: Record<string, Answer>;
let requested: { url: string; cache: string }[];
/** What is kept. */
let kept: Map<string, Uint8Array>;
let full: boolean;

const store: FileStore = {
  get: async (key) => kept.get(key),
  has: async (key) => kept.has(key),
  put: async (key, content) => void (full || kept.set(key, content)),
  delete: async (key) => void kept.delete(key),
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

/** Files of a bundle, each with the version in it. */
const filesOf = (version: string): Record<string, string> => ({
  'text.onnx': `words ${version}`,
  'tokenizer.json': '{}',
  'face.onnx': `faces ${version}`,
  'fusion.onnx': `both ${version}`,
});

/** Puts a bundle on the host. */
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
    () => expect.fail('nothing went wrong'),
    (error: unknown) => error as MienError,
  );

beforeEach(() => {
  [kept, full, requested] = [new Map(), false, []];
  publish('one');
  vi.stubGlobal('fetch', async (url: string, { cache = '' }: { cache?: string }) => {
    requested.push({ url, cache });
    return (host[url] ?? ok('', 'text/plain', 404))();
  });
});
afterEach(() => vi.unstubAllGlobals());

/** Ways in which a network or a host answers with something else. */
const LIES: readonly (readonly [string, Answer])[] = [
  ['nothing', gone],
  ['a page, as a captive portal', page],
  ['a page without a type', ok(PORTAL, '')],
  ['JSON of something else', ok('{"login":"/"}', 'application/json')],
  ['an error', ok('', 'text/plain', 503)],
  ['a part', ok('words', 'application/octet-stream', 206)],
  ['the beginning', ok('wor')],
  ['too much', ok('words one, and then some more')],
  ['as many bytes of something else', ok('words two')],
  ['what breaks off', brokenOff('wor')],
  ['an empty file', ok('')],
];

describe.each(LIES)('a host that answers with %s', (_what, lie) => {
  test('changes nothing that is kept, and the kept bundle answers', async () => {
    await load();
    const before = new Map(kept);
    everything(lie);
    expect(await load()).toBe('one');
    expect(kept).toEqual(before);
  });

  test('in place of one file of a new bundle, leaves the old one whole', async () => {
    await load();
    publish('two');
    host[`${ADDRESS}face.onnx`] = lie;
    expect(await load()).toBe('one');
    everything(gone);
    expect(await load()).toBe('one');
    publish('two');
    expect(await load()).toBe('two');
    everything(gone);
    expect(await load()).toBe('two');
    const hashes = Object.values(filesOf('one')).map((text) => sha256(bytesOf(text)));
    // Of the old files, the one that the new bundle has as well.
    expect(hashes.filter((hash) => kept.has(hash))).toEqual([sha256(bytesOf('{}'))]);
  });

  test('and nothing is kept: a typed error that names the file, and no trace', async () => {
    const url = `${ADDRESS}text.onnx`;
    host[url] = lie;
    const error = await failure(load());
    expect(['offline', 'bundle']).toContain(error.code);
    expect(error.place.file).toBe(url);
    expect([...kept.keys()]).toEqual([]);
  });
});

test('says what came: type and first characters, or bytes', async () => {
  host[`${ADDRESS}text.onnx`] = page;
  const ofPage = await failure(load());
  expect(ofPage.message).toContain(
    `${ADDRESS}text.onnx: is not the file that the bundle was made with: what came is text/html and begins with “<!DOCTYPE html> <title>Log in`,
  );
  expect(ofPage.hint).toMatch(/page came in its place/);
  host[`${ADDRESS}text.onnx`] = ok(Uint8Array.of(8, 10, 0, 255), '');
  expect((await failure(load())).message).toMatch(/of no stated type and begins with the bytes 08 0a 00 ff/);
  host[`${ADDRESS}manifest.json`] = page;
  expect((await failure(load())).message).toMatch(/manifest\.json: is not JSON.*text\/html.*<!DOCTYPE html>/);
  host[`${ADDRESS}manifest.json`] = ok('', 'text/plain', 404);
  expect((await failure(load())).message).toMatch(/status 404[^]*give the folder’s address/);
});

test('passes over what the browser’s own cache has of an older bundle, or of a portal', async () => {
  const url = `${ADDRESS}text.onnx`;
  const right = host[url]!;
  host[url] = () => (requested.at(-1)!.cache === 'reload' ? right() : page());
  const told: [number, number][] = [];
  const onProgress = (loaded: number, total: number): void => void told.push([loaded, total]);
  await fetchBundle(ADDRESS, { store, onProgress });
  expect(requested.filter((one) => one.url === url).map(({ cache }) => cache)).toEqual(['default', 'reload']);
  expect(requested[0]).toEqual({ url: `${ADDRESS}manifest.json`, cache: 'no-cache' });
  expect(told.at(-1)![0]).toBe(told.at(-1)![1]);
});

test('fetches a file once, and again when the kept one is damaged', async () => {
  await load();
  requested = [];
  await load();
  expect(requested.map(({ url }) => url)).toEqual([`${ADDRESS}manifest.json`]);
  const hash = sha256(bytesOf('faces one'));
  kept.set(hash, bytesOf(PORTAL));
  await load();
  expect(requested.at(-1)!.url).toBe(`${ADDRESS}face.onnx`);
  kept.set(hash, bytesOf(PORTAL));
  everything(gone);
  expect((await failure(load())).code).toBe('offline');
});

test('a full disk keeps the bundle that is there', async () => {
  await load();
  publish('two');
  full = true;
  expect(await load()).toBe('two');
  everything(gone);
  expect(await load()).toBe('one');
});

test('given up, it neither falls back nor keeps', async () => {
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

test('the face detector is known by its hash', async () => {
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
  expect([...kept.keys()]).toEqual([DETECTOR_FILE.sha256]);
});
