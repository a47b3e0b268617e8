// The page's service worker without a browser: what it caches, also through a failed update.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sha256 } from 'mien-engine/node';

/** A variable, since TypeScript has no types of service workers here. */
const SOURCE = '../../web/service-worker/service-worker.ts';
const SCOPE = 'https://host.example/page/';
const PORTAL = '<!DOCTYPE html><title>Log in</title>';

type Files = Readonly<Record<string, string>>;
const ONE: Files = { './': '<title>one</title>', 'assets/a1.js': 'one', 'icon.svg': '<svg id="one"/>' };
const TWO: Files = { './': '<title>two</title>', 'assets/a2.js': 'two', 'icon.svg': '<svg id="two"/>' };
const WASM: Files = { 'assets/r.wasm': 'runtime' };

let cached: Map<string, Response>;
/** Responses of the host, by name. */
let host: Record<string, () => Response | Promise<Response>>;
let handlers: Record<string, (event: object) => void>;

const cache = {
  match: async (url: string) => cached.get(url)?.clone(),
  put: async (url: string, response: Response) => void cached.set(url, response),
  delete: async (url: string) => cached.delete(url),
  keys: async () => [...cached.keys()].map((url) => ({ url })),
};
const serve = (files: Files): void => {
  host = {};
  for (const [name, text] of Object.entries({ ...files, ...WASM })) host[name] = () => new Response(text);
};
const portal = () => new Response(PORTAL, { headers: { 'content-type': 'text/html' } });
const fetched = async (given: string | { url: string }): Promise<Response> => {
  const [url] = (typeof given === 'string' ? given : given.url).split('?');
  const name = url!.slice(SCOPE.length) || './';
  return (host[name] ?? (() => new Response('', { status: 404 })))();
};

/** Loads the service worker of a build. */
async function build(files: Files): Promise<void> {
  handlers = {};
  vi.resetModules();
  vi.stubGlobal('self', {
    addEventListener: (name: string, handler: (event: object) => void) => void (handlers[name] = handler),
    registration: { scope: SCOPE },
    skipWaiting: async () => undefined,
    clients: { claim: async () => undefined },
  });
  const hashes = (of: Files) =>
    Object.fromEntries(Object.entries(of).map(([name, text]) => [name, sha256(text)]));
  vi.stubGlobal('__SHELL__', hashes(files));
  vi.stubGlobal('__ON_DEMAND__', hashes(WASM));
  await import(/* @vite-ignore */ SOURCE);
}

const dispatch = async (name: 'install' | 'activate'): Promise<void> => {
  let work: Promise<void> = Promise.resolve();
  handlers[name]!({ waitUntil: (promise: Promise<void>) => (work = promise) });
  await work;
};
const update = async (files: Files): Promise<void> => {
  await build(files);
  await dispatch('install');
  await dispatch('activate');
};

/** The worker's response; undefined if it leaves the request to the browser. */
async function request(name: string, mode = 'cors'): Promise<string | undefined> {
  let answer: Promise<Response> | undefined;
  const works: Promise<void>[] = [];
  handlers['fetch']!({
    request: { url: new URL(name, SCOPE).href, method: 'GET', mode },
    respondWith: (promise: Promise<Response>) => (answer = promise),
    waitUntil: (promise: Promise<void>) => works.push(promise),
  });
  const response = await answer;
  const text = response && (await response.text());
  await Promise.all(works);
  return text;
}
const contents = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    await Promise.all(
      [...cached].map(async ([url, file]) => [url.slice(SCOPE.length) || './', await file.clone().text()]),
    ),
  ) as Record<string, string>;

beforeEach(() => {
  cached = new Map();
  serve(ONE);
  vi.stubGlobal('caches', { open: async () => cache });
  vi.stubGlobal('fetch', fetched);
});
afterEach(() => vi.unstubAllGlobals());

test('caches the build, and a larger file once it is requested', async () => {
  await update(ONE);
  expect(await contents()).toEqual(ONE);
  expect(await request('assets/r.wasm')).toBe('runtime');
  expect(await contents()).toEqual({ ...ONE, ...WASM });
  host = {};
  expect(await request('assets/r.wasm')).toBe('runtime');
  expect(await request('assets/a1.js')).toBe('one');
  expect(await request('model/manifest.json')).toBeUndefined();
});

test('caches only files of the build, as soon as they arrive', async () => {
  for (const name of Object.keys(host)) host[name] = portal;
  await update(ONE);
  expect(await request('', 'navigate')).toBe(PORTAL);
  expect(await request('assets/a1.js')).toBe(PORTAL);
  expect(await request('assets/r.wasm')).toBe(PORTAL);
  expect(await contents()).toEqual({});
  serve(ONE);
  await request('?threads=1', 'navigate');
  await request('assets/a1.js');
  expect(await contents()).toEqual({ './': ONE['./'], 'assets/a1.js': 'one' });
});

test.each<[string, () => Response | Promise<Response>]>([
  ['a portal’s page', portal],
  ['a truncated file', () => new Response('t')],
  ['an error', () => new Response('', { status: 500 })],
  ['nothing', () => Promise.reject(new TypeError('fetch failed'))],
])('keeps the earlier build complete when an update receives %s', async (_what, answer) => {
  await update(ONE);
  serve(TWO);
  host['assets/a2.js'] = answer;
  await build(TWO);
  await expect(dispatch('install')).rejects.toThrow(/not all files/);
  expect(await contents()).toEqual(ONE);
  serve(TWO);
  await update(TWO);
  expect(await contents()).toEqual(TWO);
});

test('deletes unverified files that an earlier version cached', async () => {
  cached.set(`${SCOPE}assets/a1.js`, portal()).set(`${SCOPE}assets/r.wasm`, portal());
  await update(ONE);
  expect(await contents()).toEqual(ONE);
});

test('serves the page from the network, or from the cache when offline or the host fails', async () => {
  await update(ONE);
  host['./'] = () => new Response('<title>newer</title>');
  expect(await request('', 'navigate')).toBe('<title>newer</title>');
  expect(await contents()).toEqual(ONE);
  host['./'] = () => new Response('bad gateway', { status: 502 });
  expect(await request('', 'navigate')).toBe(ONE['./']);
  host['./'] = () => Promise.reject(new TypeError('fetch failed'));
  expect(await request('', 'navigate')).toBe(ONE['./']);
  // A file of a newer build.
  host['assets/a9.js'] = () => new Response('nine');
  expect(await request('assets/a9.js')).toBe('nine');
});
