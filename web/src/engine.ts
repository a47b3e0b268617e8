// The page's interface to the worker: loading with progress, recognising and explaining.
import { proxy, type Remote, transfer, wrap } from 'comlink';
import type { Explanation, Failure, LoadProgress, Result } from 'mien/browser';
import type { Input, Loaded, LoadSettings } from './recognition.js';
import type { Api } from './worker.js';

export interface Engine extends Loaded {
  /** Resolves once all is stored for use offline, as far as the browser stores anything. */
  readonly stored: Promise<void>;
  recognize(input: Input): Promise<Result>;
  /** Explains an answer; undefined if stopped. The worker recognises nothing meanwhile. */
  explain(input: Omit<Input, 'at'>): Promise<Explanation | Failure | undefined>;
  stopExplaining(): void;
}

/** A worker that loads the model. */
interface Loading {
  readonly api: Remote<Api>;
  readonly loaded: Promise<Loaded>;
  /** Whether the service worker sees what it fetches. */
  readonly isControlled: boolean;
  /** Called with progress; what it missed is not repeated. */
  onProgress: (progress: LoadProgress) => void;
}

let begun: Loading | undefined;
let isAsked = false;

/** Begins to load the model, so that `startEngine` finds it on its way. */
export function beginLoading(): void {
  if (isAsked) return;
  begun = startLoading();
  // Whoever calls `startEngine` learns of it.
  begun.loaded.catch(() => undefined);
}

function startLoading(): Loading {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    type: 'module',
    name: JSON.stringify(settings()),
  });
  const api = wrap<Api>(worker);
  const failed = new Promise<never>((_resolve, reject) => {
    worker.addEventListener('error', ({ message }) =>
      reject(new Error(message || 'the worker did not start')),
    );
  });
  const report = proxy((progress: LoadProgress): void => loading.onProgress(progress));
  const loaded = Promise.race([api.load(report), failed]).catch((error: unknown) => {
    worker.terminate();
    throw error;
  });
  const isControlled = Boolean(navigator.serviceWorker?.controller);
  const loading: Loading = { api, loaded, isControlled, onProgress: () => undefined };
  return loading;
}

export async function startEngine(onProgress: (progress: LoadProgress) => void): Promise<Engine> {
  isAsked = true;
  const loading = begun ?? startLoading();
  begun = undefined;
  loading.onProgress = onProgress;
  const { api, isControlled } = loading;
  // What the service worker fetches again must not delay the model, nor the first answer.
  const loaded = await loading.loaded.catch((error: unknown) => {
    void startServiceWorker();
    throw error;
  });
  return {
    ...loaded,
    stored: api.stored().then(() => startServiceWorker(isControlled ? [] : loaded.runtimeFiles)),
    recognize: (input) => api.recognize(transferred(input)),
    explain: (input) => api.explain(transferred(input)),
    stopExplaining: () => void api.stopExplaining(),
  };
}

/** Transfers the image to the worker instead of copying it. */
const transferred = <T extends Input>(input: T): T => (input.image ? transfer(input, [input.image]) : input);

/** Whether the browser is set to save data and the model is not stored from an earlier visit. */
export async function savesData(): Promise<boolean> {
  const { connection } = navigator as { connection?: { saveData?: boolean } };
  return connection?.saveData === true && !(await caches.has('mien-models').catch(() => false));
}

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

/**
 * Registers the service worker, which stores the page's files for use offline, and has it store files that were fetched
 * before it took control: they are fetched again through it, from the browser's own cache.
 */
async function startServiceWorker(fetched: readonly string[] = []): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const { serviceWorker } = navigator;
  const controlled = new Promise((resolve) => {
    if (serviceWorker.controller) resolve(undefined);
    else serviceWorker.addEventListener('controllerchange', resolve, { once: true });
  });
  // Without it (private windows of some browsers) the page works, but not offline.
  const registered = await serviceWorker
    .register(new URL('service-worker.js', document.baseURI), { updateViaCache: 'none' })
    .catch(() => undefined);
  if (!registered) return;
  await controlled;
  for (const file of fetched) await fetch(file).catch(() => undefined);
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
