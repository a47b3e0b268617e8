// The page's worker: loads the recogniser and runs it, so that the page remains responsive.
import { expose } from 'comlink';
import webgpu from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import {
  type Backend,
  type BrowserRecognizer,
  type Device,
  type Explanation,
  type Failure,
  loadRecognizer,
  type LoadProgress,
  type RecognizerInfo,
  type Result,
  trackFaces,
} from 'mien/browser';

export interface LoadSettings {
  readonly bundle: string;
  readonly device?: 'auto' | Device;
  readonly threads?: number;
}

export interface Loaded {
  readonly info: RecognizerInfo;
  readonly backend: Backend;
}

export interface Input {
  readonly text?: string;
  readonly image?: ImageBitmap;
  /** The time of a camera frame in milliseconds; missing for pictures. */
  readonly at?: number;
}

let loaded: BrowserRecognizer | undefined;
let tracker = trackFaces();
let explaining: AbortController | undefined;

function recognizer(): BrowserRecognizer {
  if (!loaded) throw new Error('the model has not been loaded');
  return loaded;
}

const api = {
  async load(settings: LoadSettings, onProgress: (progress: LoadProgress) => void): Promise<Loaded> {
    loaded = await loadRecognizer({ ...settings, onProgress, wasm: { wasm, webgpu } });
    return { info: loaded.info, backend: loaded.backend };
  },
  async recognize({ at, ...input }: Input): Promise<Result> {
    // Faces are tracked between frames, but not across pictures. Frames are averaged over time, so each is recognised
    // without its mirror image, in half the time.
    if (at === undefined) tracker = trackFaces();
    const tracking = at === undefined ? {} : { ...tracker.options(at), mirror: false };
    try {
      const result = await recognizer().recognize(input, { allFaces: true, ...tracking });
      if (at !== undefined) tracker.saw(result, at);
      return result;
    } finally {
      input.image?.close();
    }
  },
  /** @returns undefined if it was stopped. */
  async explain(input: Omit<Input, 'at'>): Promise<Explanation | Failure | undefined> {
    explaining?.abort();
    const { signal } = (explaining = new AbortController());
    try {
      return await recognizer().explain(input, { signal });
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    } finally {
      input.image?.close();
    }
  },
  /** Lets the worker go on with other input. */
  stopExplaining: () => explaining?.abort(),
};

export type Api = typeof api;

expose(api);
