// Keeps the page for use offline, and isolates it on hosts that send no such headers, so that WebAssembly has threads.
// The model is not its business: mien keeps that itself.
export {};
declare const self: ServiceWorkerGlobalScope;

/** Files of the build, put in by vite.config.ts; all but the page itself bear a hash in their name. */
declare const __SHELL__: readonly string[];
/** Larger files, of which a browser needs one: kept when it is asked for. */
declare const __ON_DEMAND__: readonly string[];

const CACHE = 'mien-page';
const PAGE = './';

self.addEventListener('install', (event) => {
  event.waitUntil(install());
});

async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  await Promise.all(
    [PAGE, ...__SHELL__].map(async (name) => {
      if (name.startsWith('assets/') && (await cache.match(name))) return;
      await cache.add(new Request(name, { cache: 'no-cache' }));
    }),
  );
  await self.skipWaiting();
}

self.addEventListener('activate', (event) => {
  event.waitUntil(activate());
});

/** Lets go of files of earlier builds, and takes over the page that is open already. */
async function activate(): Promise<void> {
  const cache = await caches.open(CACHE);
  const current = new Set([PAGE, ...__SHELL__, ...__ON_DEMAND__].map(absolute));
  for (const { url } of await cache.keys()) if (!current.has(url)) await cache.delete(url);
  await self.clients.claim();
}

const absolute = (name: string): string => new URL(name, self.registration.scope).href;

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || !url.href.startsWith(self.registration.scope)) return;
  if (request.mode === 'navigate') return event.respondWith(page(request));
  const known = [...__SHELL__, ...__ON_DEMAND__].some((name) => absolute(name) === url.href);
  if (known) event.respondWith(kept(request));
});

/** From the network, since it may be newer, and from the cache without one. */
async function page(request: Request): Promise<Response> {
  const name = request.url.split(/[?#]/)[0]!.slice(self.registration.scope.length);
  const own = name === '' || name === 'index.html';
  const fresh = await fetch(request).catch(() => undefined);
  if (fresh) return isolated(fresh);
  const cached = own ? await (await caches.open(CACHE)).match(absolute(PAGE)) : undefined;
  return isolated(cached ?? (await fetch(request)));
}

async function kept(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const cached = await cache.match(request.url);
  if (cached) return isolated(cached);
  const response = await fetch(request);
  if (response.ok) await cache.put(request.url, response.clone()).catch(() => undefined);
  return isolated(response);
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
