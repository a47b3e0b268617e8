// `loadRecognizer` in browsers: in a page or a worker, from files that are fetched once and cached.
import {
  abortSignal,
  anything,
  callback,
  checkOptions,
  flag,
  type Kinds,
  MienError,
  number,
  oneOf,
  setRuntime,
  wholeNumber,
} from 'mien-engine';
import { modalitiesOf, type Modality } from '../../bundle/manifest.js';
import { type Encoded, openBundle, type OpenBundle } from '../../bundle/open.js';
import { DETECTOR_FILE } from '../../detector/blazeface.js';
import { modalities } from '../../modalities/list.js';
import { loadLanguageDetector } from '../../modalities/text/language.js';
import { throwIfAborted } from '../facade.js';
import { fetchBundle, fetchBundleFile, neededFiles, openFetched } from '../fetch-bundle.js';
import { fetchKnown } from '../fetch-file.js';
import { laterFaceFinder } from '../finder.js';
import { createRecognizer } from '../recognize.js';
import type { Recognizer } from '../types.js';
import { decodeAudio } from './audio.js';
import { cachedFiles, totalProgress, type LoadProgress } from './files.js';
import { browserDecoder, type BrowserImageSource } from './images.js';
import { watchPolicy } from './policy.js';
import { openRuntime, type Backend, type RuntimeOptions } from './runtime.js';
import { fetchWasm } from './wasm.js';

/** The model, where to fetch it from, and where to compute. */
export interface LoadOptions extends RuntimeOptions {
  /** URL of a bundle's folder, such as the package's `models/lite`. */
  readonly bundle: string | URL;
  /** URL of the face detector's file; by default the package's, which bundlers copy. */
  readonly detector?: string | URL | undefined;
  /** URL of ONNX Runtime's `.wasm` file, if it is not next to the script, or to include it in the progress. */
  readonly wasm?: string | URL | Readonly<Record<'wasm' | 'webgpu', string | URL>> | undefined;
  /** Fetches these files in place of the global `fetch`, for instance with headers of its own. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** Whether to store the model in the browser's cache for the next visit (the default). */
  readonly cache?: boolean | undefined;
  /** Called as files arrive. */
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  /**
   * Whether to resolve once texts can be recognised, if the bundle has a model of texts. The other models are then loaded
   * in the background, and items that need them wait; what fails there fails these items, and is tried again for the next.
   */
  readonly textFirst?: boolean | undefined;
  /** Aborts loading. */
  readonly signal?: AbortSignal | undefined;
  /** Images with more pixels are rejected (default 50 million). */
  readonly maxPixels?: number | undefined;
  /** Longer recordings are rejected, in seconds (default 600). */
  readonly maxSeconds?: number | undefined;
}

/** A recogniser that also accepts elements of a page as images. */
export interface BrowserRecognizer extends Recognizer<BrowserImageSource> {
  /** Where it computes. */
  readonly backend: Backend;
  /** Resolves once everything is loaded and stored in the browser's cache, as far as that succeeds; never rejects. */
  readonly stored: Promise<void>;
}

const OPTIONS: Kinds<LoadOptions> = {
  bundle: anything,
  detector: anything,
  wasm: anything,
  runtime: anything,
  fetch: callback,
  cache: flag,
  textFirst: flag,
  onProgress: callback,
  signal: abortSignal,
  maxPixels: wholeNumber(1),
  maxSeconds: number('seconds above zero', (seconds) => seconds > 0),
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
 * Recognition blocks its thread: in a page, load the recogniser in a worker (docs/browser.md).
 *
 * @throws MienError `offline` if a file can be neither fetched nor found in the cache, `bundle` or `format` if a file is
 *   invalid, `usage` for an invalid option or if WebGPU is requested and unavailable, `config` if the page's
 *   Content-Security-Policy forbids loading, `interrupted` if the signal is aborted.
 */
export async function loadRecognizer(options: LoadOptions): Promise<BrowserRecognizer> {
  checkOptions(options, OPTIONS, 'loadRecognizer');
  const { bundle, detector = DETECTOR, wasm, cache = true, textFirst = false } = options;
  const { fetch: ask, onProgress, maxPixels, maxSeconds } = options;
  if (!bundle)
    throw new MienError('usage', 'the option bundle is missing', {
      field: 'bundle',
      hint: "Set it to the URL of a bundle's folder: { bundle: 'models/lite' }.",
    });
  throwIfAborted(options.signal);
  const store = cache ? await cachedFiles() : undefined;
  // If one file fails, the others are not fetched further.
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
  const progressOfFile = totalProgress(onProgress);
  const policy = watchPolicy();
  const ready = openRuntime(
    options,
    wasm
      ? (device) =>
          fetchWasm(absolute(addressOf(wasm, device)), { fetch: ask, signal, ...counted(progressOfFile()) })
      : undefined,
  );
  const progressOfDetector = progressOfFile();
  let detectorStored: Promise<void> | undefined;
  const fetchDetector = (): Promise<Uint8Array> =>
    fetchKnown(absolute(detector), DETECTOR_FILE, {
      fetch: ask,
      signal,
      store,
      storeLater: (put) => void (detectorStored = put()),
      ...counted(progressOfDetector, DETECTOR_FILE.bytes),
      mismatch: { code: 'format', message: 'is not the face detector of this version of mien' },
    });
  // Models are opened while larger ones arrive.
  const opening = openFetched(
    absolute(bundle),
    { fetch: ask, signal, store, onProgress: progressOfFile(), textFirst },
    async (manifest, file) => {
      const needed = neededFiles(manifest);
      // The first text would wait for it.
      if (manifest.text) void loadLanguageDetector();
      setRuntime((await ready).runtime);
      const later = (name: string): Promise<Uint8Array> =>
        needed.includes(name)
          ? file(name)
          : fetchBundleFile(absolute(bundle), manifest, name, { fetch: ask, store });
      return openBundle(manifest, {}, { textFirst, warm: true, later });
    },
  );
  const [{ backend }, bundleOpened, detectorModel] = await Promise.all([
    ready,
    opening,
    textFirst ? undefined : fetchDetector(),
  ])
    .catch(async (error: unknown) => {
      failed.abort();
      throw await policy.explain(error);
    })
    .finally(policy.stop);
  throwIfAborted(options.signal);
  const { opened, arrived } = bundleOpened;
  const detecting = detectorModel ?? fetchDetector();
  const detectorArrived = Promise.resolve(detecting).catch(() => undefined);
  const faces = laterFaceFinder(async () => (await detectorArrived) ?? fetchDetector());
  if (detectorModel) await faces.open();
  const stored = Promise.all([bundleOpened.stored, detectorArrived])
    .then(() => detectorStored)
    .catch(() => undefined);
  const open: OpenBundle = {
    ...cachingLast(opened),
    async dispose() {
      failed.abort();
      await stored;
      await opened.dispose();
    },
  };
  const inBackground = async (): Promise<void> => {
    const { manifest, encoder, decision } = opened;
    const eager = modalitiesOf(manifest).filter((one) => !modalities[one].lazy);
    for (const modality of eager) await encoder(modality);
    await decision.prepare(eager);
    await faces.open();
  };
  const recognizer = createRecognizer({
    bundle: open,
    faces,
    // Cached files are not fetched again.
    read: () => fetchBundle(absolute(bundle), { fetch: ask, store }),
    decode: browserDecoder({ maxPixels }),
    listen: (given) => decodeAudio(given, { maxSeconds }),
    ...(detectorModel ? {} : { soon: Promise.all([arrived, detectorArrived]).then(() => inBackground) }),
  }) as Recognizer<BrowserImageSource>;
  return {
    ...recognizer,
    get backend() {
      return backend();
    },
    stored,
  };
}

const addressOf = (wasm: NonNullable<LoadOptions['wasm']>, device: 'wasm' | 'webgpu'): string | URL =>
  typeof wasm === 'object' && 'wasm' in wasm ? wasm[device] : wasm;

/** Progress callbacks of one file, whose length may be unknown until it arrives. */
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
    throw new MienError('usage', `${String(url)} is not a URL`, { cause });
  }
}

/**
 * Encodes words and a voice once while they are used with many frames of a camera. Frames are not compared: they differ.
 */
function cachingLast(bundle: OpenBundle): OpenBundle {
  const last = new Map<Modality, { readonly unit: unknown; readonly encoded: Encoded }>();
  return {
    ...bundle,
    async encode(modality, units, options) {
      const [unit] = units;
      if (modality === 'face' || units.length !== 1) return bundle.encode(modality, units, options);
      const known = last.get(modality);
      if (known && isSame(known.unit, unit)) return known.encoded;
      const encoded = await bundle.encode(modality, units, options);
      last.set(modality, { unit, encoded });
      return encoded;
    },
  };
}

/** Whether two values of plain data and arrays of numbers are equal. */
function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return false;
  if (ArrayBuffer.isView(one)) {
    const [a, b] = [one as Float32Array, other as Float32Array];
    return a.length === b.length && a.every((value, i) => value === b[i]);
  }
  const [a, b] = [one, other] as Readonly<Record<string, unknown>>[];
  const keys = Object.keys(a!);
  return keys.length === Object.keys(b!).length && keys.every((key) => isSame(a![key], b![key]));
}
