// The worker's calls: loads the recogniser and runs it.
import webgpu from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import {
  type Backend,
  type BrowserRecognizer,
  type Device,
  type Explanation,
  type Failure,
  type LoadOptions,
  loadRecognizer,
  type LoadProgress,
  type RawAudio,
  type RecognizerInfo,
  type Result,
  trackFaces,
} from 'mien/browser';
import { modalities } from 'mien/page';
import type { ShownModality } from './modalities.js';

export interface LoadSettings {
  readonly bundle: string;
  readonly device?: 'auto' | Device;
  readonly threads?: number;
}

export interface Loaded {
  readonly info: RecognizerInfo;
  readonly backend: Backend;
  /** What the model reads, in the order of its decision. */
  readonly modalities: readonly ShownModality[];
  /** URLs of ONNX Runtime's files that were fetched. */
  readonly runtimeFiles: readonly string[];
}

export interface Input {
  readonly text?: string;
  readonly image?: ImageBitmap;
  readonly audio?: RawAudio;
  /** The time of a frame of a camera or video in milliseconds; missing for pictures. */
  readonly at?: number;
}

let loaded: BrowserRecognizer | undefined;
let tracker = trackFaces();
/** Time of the latest frame. */
let latest = -Infinity;
let explaining: AbortController | undefined;

function recognizer(): BrowserRecognizer {
  if (!loaded) throw new Error('the model has not been loaded');
  return loaded;
}

/** Milliseconds between two reports of progress: each is drawn, which takes time from what is reported. */
const REPORT_PAUSE = 100;

export const api = {
  /** Resolves once texts can be recognised; the rest is loaded in the background. */
  async load(
    settings: LoadSettings,
    report: (progress: LoadProgress) => void,
    fetch: NonNullable<LoadOptions['fetch']>,
  ): Promise<Loaded> {
    let next = 0;
    const onProgress = (progress: LoadProgress): void => {
      const now = performance.now();
      if (loaded || (now < next && progress.loaded < progress.total)) return;
      next = now + REPORT_PAUSE;
      report(progress);
    };
    loaded = await loadRecognizer({
      ...settings,
      fetch,
      textFirst: true,
      onProgress,
      wasm: { wasm, webgpu },
    });
    const { info, backend } = loaded;
    const read = Object.values(modalities).filter(({ name }) => info.labels[name]);
    const fetched = performance.getEntriesByType('resource').map(({ name }) => name);
    return {
      info,
      backend,
      modalities: read.map(({ name, drawn: { column } }) => ({ name, column })),
      runtimeFiles: fetched.filter((name) => name.endsWith('.wasm')),
    };
  },
  /** Resolves once everything is loaded and stored, as far as the browser stores anything. */
  stored: () => recognizer().stored,
  async recognize({ at, ...input }: Input): Promise<Result> {
    // Faces are tracked between frames, but not across pictures or from one video to the next. Frames are averaged over
    // time, so each is recognised without its mirror image, in half the time.
    if (input.image && (at === undefined || at < latest)) tracker = trackFaces();
    latest = at ?? latest;
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
