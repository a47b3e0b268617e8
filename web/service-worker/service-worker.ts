// Keeps the page for use offline, and isolates it on hosts that send no such headers, so that WebAssembly has threads.
// The model is not its business: mien keeps that itself.
export {};
declare const self: ServiceWorkerGlobalScope;

/** SHA-256 of the build's files by name, put in by vite.config.ts; all but the page itself bear a hash in their name. */
declare const __SHELL__: Readonly<Record<string, string>>;
/** Larger files, of which a browser needs one: kept when it is asked for. */
declare const __ON_DEMAND__: Readonly<Record<string, string>>;

const CACHE = 'mien-page';
const PAGE = './';
const SHELL = Object.entries(__SHELL__);

const absolute = (name: string): string => new URL(name, self.registration.scope).href;

/** Hash of a file of this build, by its address. */
const hashOf = (url: string): string | undefined =>
  [...SHELL, ...Object.entries(__ON_DEMAND__)].find(([name]) => absolute(name) === url)?.[1];

self.addEventListener('install', (event) => {
  event.waitUntil(install());
});

/** Nothing is kept that is not of this build: a network that wants a login answers with its own page for everything. */
async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  const files = await Promise.all(
    SHELL.map(async ([name, hash]) => {
      const url = absolute(name);
      const kept = await checked(await cache.match(url), hash);
      const file =
        kept ?? (await checked(await fetch(url, { cache: 'no-cache' }).catch(() => undefined), hash));
      return { url, file };
    }),
  );
  // An earlier build that can be used offline stays until all of this one is there.
  if (files.some(({ file }) => !file) && (await cache.match(absolute(PAGE))))
    throw new Error('not all files of the page could be fetched');
  for (const { url, file } of files) if (file) await cache.put(url, file);
  await self.skipWaiting();
}

self.addEventListener('activate', (event) => {
  event.waitUntil(activate());
});

/** Lets go of files of earlier builds, and takes over the page that is open already. */
async function activate(): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const { url } of await cache.keys()) {
    const hash = hashOf(url);
    if (hash === undefined || !(await checked(await cache.match(url), hash))) await cache.delete(url);
  }
  await self.clients.claim();
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = request.url.split('#')[0]!;
  if (request.method !== 'GET' || !url.startsWith(self.registration.scope)) return;
  if (request.mode === 'navigate') event.respondWith(page(event));
  else if (hashOf(url) !== undefined) event.respondWith(kept(event, url));
  // Of a newer build, whose page is there before its service worker.
  else if (url.startsWith(absolute('assets/'))) event.respondWith(fetch(request).then(isolated));
});

/** From the network, since it may be newer, and from the cache without one. */
async function page(event: FetchEvent): Promise<Response> {
  const name = event.request.url.split(/[?#]/)[0]!.slice(self.registration.scope.length);
  const own = name === '' || name === 'index.html';
  const fresh = await fetch(event.request).catch(() => undefined);
  if (own && fresh) keepCopy(event, fresh, absolute(PAGE));
  if (fresh && fresh.status < 500) return isolated(fresh);
  const cached = own ? await (await caches.open(CACHE)).match(absolute(PAGE)) : undefined;
  return isolated(cached ?? fresh ?? Response.error());
}

async function kept(event: FetchEvent, url: string): Promise<Response> {
  const cached = await (await caches.open(CACHE)).match(url);
  if (cached) return isolated(cached);
  const response = await fetch(event.request);
  keepCopy(event, response, url);
  return isolated(response);
}

/** Keeps what came if it is the file of this build; the response itself need not wait for that. */
function keepCopy(event: FetchEvent, response: Response, url: string): void {
  if (!response.ok) return;
  const copy = response.clone();
  const keep = async (): Promise<void> => {
    const file = await checked(copy, hashOf(url)!);
    if (file) await (await caches.open(CACHE)).put(url, file);
  };
  // A full disk must not keep anybody from the page.
  event.waitUntil(keep().catch(() => undefined));
}

/** The response, read to its end, if it is the file with this hash. */
async function checked(response: Response | undefined, hash: string): Promise<Response | undefined> {
  if (!response?.ok) return undefined;
  const content = await response.arrayBuffer().catch(() => undefined);
  if (!content) return undefined;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
  if (Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') !== hash) return undefined;
  const type = response.headers.get('Content-Type');
  return new Response(content, type === null ? {} : { headers: { 'Content-Type': type } });
}

/** The page asks nothing of other sites, so that it loses nothing by this. */
function isolated(response: Response): Response {
  if (response.status === 0 || response.type === 'opaqueredirect') return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}
