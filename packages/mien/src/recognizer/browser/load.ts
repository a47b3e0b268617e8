// `loadRecognizer` in browsers: in a page or in a worker, from files that are fetched once and kept.
import {
  abortSignal,
  anything,
  callback,
  checkOptions,
  flag,
  type Kinds,
  MienError,
  oneOf,
  setRuntime,
  wholeNumber,
} from 'mien-engine';
import { openBundle, type OpenBundle } from '../../bundle/open.js';
import { DETECTOR_FILE } from '../../detector/blazeface.js';
import { throwIfAborted } from '../facade.js';
import { fetchBundle } from '../fetch-bundle.js';
import { fetchKnown } from '../fetch-file.js';
import { faceFinder } from '../finder.js';
import { createRecognizer } from '../recognize.js';
import type { Recognizer } from '../types.js';
import { keptFiles, totalProgress, type LoadProgress } from './files.js';
import { browserDecoder, type BrowserImageSource } from './images.js';
import { watchPolicy } from './policy.js';
import { openRuntime, type Backend, type RuntimeOptions } from './runtime.js';
import { fetchWasm } from './wasm.js';

/** Which model, from where, and what computes. */
export interface LoadOptions extends RuntimeOptions {
  /** Address of a bundle's folder, as `models/lite` of the package. */
  readonly bundle: string | URL;
  /** Address of the face detector's file; by default where the package has it, which bundlers copy. */
  readonly detector?: string | URL | undefined;
  /** Address of ONNX Runtime's `.wasm` file, where it is not beside the script, or its progress is wanted. */
  readonly wasm?: string | URL | Readonly<Record<'wasm' | 'webgpu', string | URL>> | undefined;
  /** Whether the model is kept in the browser's cache for the next visit (the default). */
  readonly cache?: boolean | undefined;
  /** Told as files arrive. */
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Stops loading. */
  readonly signal?: AbortSignal | undefined;
  /** Images of more pixels are refused (default 50 million). */
  readonly maxPixels?: number | undefined;
}

/** A recogniser that takes what a page shows as well. */
export interface BrowserRecognizer extends Recognizer<BrowserImageSource> {
  /** What computes. */
  readonly backend: Backend;
}

const OPTIONS: Kinds<LoadOptions> = {
  bundle: anything,
  detector: anything,
  wasm: anything,
  runtime: anything,
  cache: flag,
  onProgress: callback,
  signal: abortSignal,
  maxPixels: wholeNumber(1),
  device: oneOf('auto', 'wasm', 'webgpu'),
  threads: wholeNumber(1),
};

const DETECTOR = new URL('../../../models/blazeface/face_detection_back_256x256.onnx', import.meta.url);

/**
 * Loads a model that recognises emotions.
 *
 *     const recognizer = await loadRecognizer({ bundle: 'models/lite' });
 *     const result = await recognizer.recognize({ text: 'At last we won!', image: file });
 *     if (isRecognition(result)) console.log(result.label);
 *
 * Computing blocks the thread that it is called on: in a page, load it in a worker (docs/browser.md).
 *
 * @throws MienError `offline` when a file can be neither fetched nor found in the cache, `bundle` or `format` when one
 *   is not what it should be, `usage` for an option that is not known or WebGPU that is asked for and not there, `config`
 *   when the page's Content-Security-Policy forbids something, `interrupted` when the signal is given.
 */
export async function loadRecognizer(options: LoadOptions): Promise<BrowserRecognizer> {
  checkOptions(options, OPTIONS, 'loadRecognizer');
  const { bundle, detector = DETECTOR, wasm, cache = true, onProgress, maxPixels } = options;
  if (!bundle)
    throw new MienError('usage', 'no bundle is named', {
      field: 'bundle',
      hint: "Give the address of a bundle's folder: { bundle: 'models/lite' }.",
    });
  throwIfAborted(options.signal);
  const store = cache ? await keptFiles() : undefined;
  // When one file cannot be had, the others are not fetched any further.
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
  const progressOfFile = totalProgress(onProgress);
  const policy = watchPolicy();
  const [{ runtime, backend }, { manifest, files }, faces] = await Promise.all([
    openRuntime(
      options,
      wasm
        ? (device) => fetchWasm(absolute(addressOf(wasm, device)), { signal, ...counted(progressOfFile()) })
        : undefined,
    ),
    fetchBundle(absolute(bundle), { signal, store, onProgress: progressOfFile() }),
    fetchKnown(absolute(detector), DETECTOR_FILE, {
      signal,
      store,
      ...counted(progressOfFile(), DETECTOR_FILE.bytes),
      mismatch: { code: 'format', message: 'is not the face detector that mien was made with' },
    }),
  ])
    .catch(async (error: unknown) => {
      failed.abort();
      throw await policy.explain(error);
    })
    .finally(policy.stop);
  throwIfAborted(options.signal);
  setRuntime(runtime);
  const open = rememberingText(await openBundle(manifest, files));
  const recognizer = createRecognizer({
    bundle: open,
    faces: await faceFinder(faces, {}),
    // Kept files are not fetched again.
    read: () => fetchBundle(absolute(bundle), { store }),
    decode: browserDecoder({ maxPixels }),
  }) as Recognizer<BrowserImageSource>;
  return { ...recognizer, backend: backend() };
}

const addressOf = (wasm: NonNullable<LoadOptions['wasm']>, device: 'wasm' | 'webgpu'): string | URL =>
  typeof wasm === 'object' && 'wasm' in wasm ? wasm[device] : wasm;

/** Of one file, from its pieces; its length may be told only when it comes. */
function counted(onProgress: ((loaded: number, total: number) => void) | undefined, length = 0) {
  let [loaded, total] = [0, length];
  return {
    onLength: (bytes: number): void => void (total = bytes),
    onBytes: (count: number): void => onProgress?.((loaded += count), Math.max(loaded, total)),
  };
}

function absolute(url: string | URL): string {
  try {
    return new URL(url, globalThis.location?.href).href;
  } catch (cause) {
    throw new MienError('usage', `${String(url)} is not an address`, { cause });
  }
}

/** Beside a camera's frames stands one text: it is encoded once. */
function rememberingText(bundle: OpenBundle): OpenBundle {
  let last: { text: string; encoded: ReturnType<OpenBundle['texts']> } | undefined;
  return {
    ...bundle,
    texts(texts) {
      const [text] = texts;
      if (text === undefined || texts.length > 1) return bundle.texts(texts);
      if (last?.text !== text) last = { text, encoded: bundle.texts(texts) };
      return last.encoded;
    },
  };
}
