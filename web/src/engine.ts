// The page's interface to the worker: loading with progress, recognising and explaining.
import { proxy, transfer, wrap } from 'comlink';
import type { Explanation, Failure, LoadProgress, Result } from 'mien/browser';
import type { Api, Input, Loaded, LoadSettings } from './worker.js';

export interface Engine extends Loaded {
  recognize(input: Input): Promise<Result>;
  /** Explains an answer; undefined if stopped. The worker recognises nothing meanwhile. */
  explain(input: Omit<Input, 'at'>): Promise<Explanation | Failure | undefined>;
  stopExplaining(): void;
}

/** Milliseconds to wait for the service worker to take control. */
const SERVICE_WORKER_TIMEOUT = 5000;

export async function startEngine(onProgress: (progress: LoadProgress) => void): Promise<Engine> {
  await startServiceWorker();
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
    recognize: (input) => api.recognize(transferred(input)),
    explain: (input) => api.explain(transferred(input)),
    stopExplaining: () => void api.stopExplaining(),
  };
}

/** Transfers the image to the worker instead of copying it. */
const transferred = <T extends Input>(input: T): T => (input.image ? transfer(input, [input.image]) : input);

/** `?device=wasm`, `?device=webgpu` and `?threads=1` are for comparisons. */
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

/** Files that the worker fetches are stored for use offline only if the service worker controls the page by then. */
async function startServiceWorker(): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const { serviceWorker } = navigator;
  const controlled = new Promise((resolve) => {
    if (serviceWorker.controller) resolve(undefined);
    serviceWorker.addEventListener('controllerchange', resolve, { once: true });
    setTimeout(resolve, SERVICE_WORKER_TIMEOUT);
  });
  // Without it (private windows of some browsers) the page works, but not offline.
  const registered = await serviceWorker
    .register(new URL('service-worker.js', document.baseURI), { updateViaCache: 'none' })
    .catch(() => undefined);
  if (registered) await controlled;
}

/** Runs one call at a time; of those made meanwhile, only the last. */
export function onlyLatest<T>(work: (value: T) => Promise<void>): (value: T) => void {
  let waiting: { value: T } | undefined;
  let running = false;
  const run = async (): Promise<void> => {
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
    if (!running) void run();
  };
}
