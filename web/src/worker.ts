// The page's worker: it loads the recogniser and computes, so that the page stays free.
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
  type Progress,
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

export interface Given {
  readonly text?: string;
  readonly image?: ImageBitmap;
  /** When the image is a frame of the camera: its time in milliseconds. */
  readonly at?: number;
}

export interface Reading {
  readonly result: Result;
  /** Of computing. */
  readonly milliseconds: number;
}

let recognizer: BrowserRecognizer | undefined;
let tracker = trackFaces();
let explaining: AbortController | undefined;

const api = {
  async load(settings: LoadSettings, onProgress: (progress: Progress) => void): Promise<Loaded> {
    recognizer = await loadRecognizer({ ...settings, onProgress, wasm: { wasm, webgpu } });
    return { info: recognizer.info, backend: recognizer.backend };
  },
  async read({ at, ...given }: Given): Promise<Reading> {
    const start = performance.now();
    // Between two frames a face moves little; a picture has nothing to do with what came before. Frames come many a second
    // and are smoothed over time: each is read once, without its mirror image.
    if (at === undefined) tracker = trackFaces();
    const tracking = at === undefined ? {} : { ...tracker.options(at), mirror: false };
    try {
      const result = await recognizer!.recognize(given, { allFaces: true, ...tracking });
      if (at !== undefined) tracker.saw(result, at);
      return { result, milliseconds: performance.now() - start };
    } finally {
      given.image?.close();
    }
  },
  /** @returns undefined when it was stopped. */
  async explain(given: Omit<Given, 'at'>): Promise<Explanation | Failure | undefined> {
    explaining?.abort();
    const { signal } = (explaining = new AbortController());
    try {
      return await recognizer!.explain(given, { signal });
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    } finally {
      given.image?.close();
    }
  },
  /** What was given meanwhile is read then. */
  stopExplaining: () => explaining?.abort(),
};

export type Api = typeof api;

expose(api);
