// Caches the page for use offline, and isolates it on hosts that send no such headers, so that WebAssembly can use
// threads. mien itself caches the model.
export {};
declare const self: ServiceWorkerGlobalScope;

/** SHA-256 of the build's files by name, inserted by vite.config.ts; all names but the page's contain a hash. */
declare const __SHELL__: Readonly<Record<string, string>>;
/** Larger files, of which a browser needs only one: cached when requested. */
declare const __ON_DEMAND__: Readonly<Record<string, string>>;

const CACHE = 'mien-page';
const PAGE = './';
const SHELL = Object.entries(__SHELL__);

const absolute = (name: string): string => new URL(name, self.registration.scope).href;

/** Hash of a file of this build, by its URL. */
const hashOf = (url: string): string | undefined =>
  [...SHELL, ...Object.entries(__ON_DEMAND__)].find(([name]) => absolute(name) === url)?.[1];

self.addEventListener('install', (event) => {
  event.waitUntil(install());
});

/** Caches only files of this build, since a captive portal answers every request with its own page. */
async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  const files = await Promise.all(
    SHELL.map(async ([name, hash]) => {
      const url = absolute(name);
      const cached = await verified(await cache.match(url), hash);
      const file =
        cached ?? (await verified(await fetch(url, { cache: 'no-cache' }).catch(() => undefined), hash));
      return { url, file };
    }),
  );
  // An earlier build remains usable offline until this one is complete.
  if (files.some(({ file }) => !file) && (await cache.match(absolute(PAGE))))
    throw new Error('not all files of the page could be fetched');
  for (const { url, file } of files) if (file) await cache.put(url, file);
  await self.skipWaiting();
}

self.addEventListener('activate', (event) => {
  event.waitUntil(activate());
});

/** Deletes files of earlier builds, and takes control of open pages. */
async function activate(): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const { url } of await cache.keys()) {
    const hash = hashOf(url);
    if (hash === undefined || !(await verified(await cache.match(url), hash))) await cache.delete(url);
  }
  await self.clients.claim();
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const [url = ''] = request.url.split('#');
  if (request.method !== 'GET' || !url.startsWith(self.registration.scope)) return;
  const hash = hashOf(url);
  if (request.mode === 'navigate') event.respondWith(page(event));
  else if (hash !== undefined) event.respondWith(cachedFile(event, url, hash));
  // A newer build, whose page may load before its service worker.
  else if (url.startsWith(absolute('assets/'))) event.respondWith(fetch(request).then(isolated));
});

/** From the network, since it may be newer, otherwise from the cache. */
async function page(event: FetchEvent): Promise<Response> {
  const [url = ''] = event.request.url.split(/[?#]/);
  const name = url.slice(self.registration.scope.length);
  const isPage = name === '' || name === 'index.html';
  const fetched = await fetch(event.request).catch(() => undefined);
  const hash = hashOf(absolute(PAGE));
  if (isPage && fetched && hash !== undefined) store(event, fetched, absolute(PAGE), hash);
  if (fetched && fetched.status < 500) return isolated(fetched);
  const cached = isPage ? await (await caches.open(CACHE)).match(absolute(PAGE)) : undefined;
  return isolated(cached ?? fetched ?? Response.error());
}

async function cachedFile(event: FetchEvent, url: string, hash: string): Promise<Response> {
  const cached = await (await caches.open(CACHE)).match(url);
  if (cached) return isolated(cached);
  const response = await fetch(event.request);
  store(event, response, url, hash);
  return isolated(response);
}

/** Caches a copy of a response if it is the file of this build, without delaying the response. */
function store(event: FetchEvent, response: Response, url: string, hash: string): void {
  if (!response.ok) return;
  const copy = response.clone();
  const put = async (): Promise<void> => {
    const file = await verified(copy, hash);
    if (file) await (await caches.open(CACHE)).put(url, file);
  };
  // The page must work with a full disk.
  event.waitUntil(put().catch(() => undefined));
}

/** The complete response, if it is the file with this hash. */
async function verified(response: Response | undefined, hash: string): Promise<Response | undefined> {
  if (!response?.ok) return undefined;
  const content = await response.arrayBuffer().catch(() => undefined);
  if (!content) return undefined;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
  if (Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') !== hash) return undefined;
  const type = response.headers.get('Content-Type');
  return new Response(content, type === null ? {} : { headers: { 'Content-Type': type } });
}

/** Adds the headers of cross-origin isolation; the page loads nothing from other origins. */
function isolated(response: Response): Response {
  if (response.status === 0 || response.type === 'opaqueredirect') return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}
