// The worker as the page sees it: loading with progress, and reading one thing after the other.
import { proxy, transfer, wrap } from 'comlink';
import type { Explanation, Failure, Progress } from 'mien/browser';
import type { Api, Given, Loaded, LoadSettings, Reading } from './worker.js';

export interface Engine extends Loaded {
  read(given: Given): Promise<Reading>;
  /** Why a reading is what it is; undefined when it was stopped. The worker reads nothing else meanwhile. */
  explain(given: Omit<Given, 'at'>): Promise<Explanation | Failure | undefined>;
  stopExplaining(): void;
}

/** Milliseconds that the service worker may take to take over. */
const PATIENCE = 5000;

export async function startEngine(onProgress: (progress: Progress) => void): Promise<Engine> {
  await underServiceWorker();
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const api = wrap<Api>(worker);
  const failed = new Promise<never>((_resolve, reject) => {
    worker.addEventListener('error', ({ message }) =>
      reject(new Error(message || 'the worker did not start')),
    );
  });
  const loaded = await Promise.race([api.load(settings(), proxy(onProgress)), failed]).catch(
    (error: unknown) => {
      worker.terminate();
      throw error;
    },
  );
  return {
    ...loaded,
    read: (given) => api.read(handedOver(given)),
    explain: (given) => api.explain(handedOver(given)),
    stopExplaining: () => void api.stopExplaining(),
  };
}

/** An image goes to the worker without being copied. */
const handedOver = <T extends Given>(given: T): T => (given.image ? transfer(given, [given.image]) : given);

/** `?device=wasm`, `?device=webgpu` and `?threads=1` are for comparing. */
function settings(): LoadSettings {
  const query = new URLSearchParams(location.search);
  const device = query.get('device');
  const threads = Number(query.get('threads'));
  return {
    bundle: new URL('model/', document.baseURI).href,
    ...(device === 'wasm' || device === 'webgpu' ? { device } : {}),
    ...(threads >= 1 ? { threads } : {}),
  };
}

/** What the worker fetches is kept for use offline only if the service worker is there first. */
async function underServiceWorker(): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const { serviceWorker } = navigator;
  const controlled = new Promise((resolve) => {
    if (serviceWorker.controller) resolve(undefined);
    serviceWorker.addEventListener('controllerchange', resolve, { once: true });
    setTimeout(resolve, PATIENCE);
  });
  // Without it (private windows of some browsers) the page works all the same, but not offline.
  const registered = await serviceWorker
    .register(new URL('service-worker.js', document.baseURI), { updateViaCache: 'none' })
    .catch(() => undefined);
  if (registered) await controlled;
}

/** Runs one at a time; of what comes meanwhile, only the last. */
export function onlyLatest<T>(work: (value: T) => Promise<void>): (value: T) => void {
  let waiting: { value: T } | undefined;
  let running = false;
  const go = async (): Promise<void> => {
    running = true;
    while (waiting) {
      const { value } = waiting;
      waiting = undefined;
      await work(value);
    }
    running = false;
  };
  return (value) => {
    waiting = { value };
    if (!running) void go();
  };
}
