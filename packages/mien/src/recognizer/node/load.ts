// `loadRecognizer` in Node: the bundled model or another, in this process or in others.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import {
  anything,
  checkOptions,
  flag,
  type Kinds,
  messageOf,
  MienError,
  wholeNumber,
} from 'mien-engine/base';
import { bundledModel } from '../../base/package.js';
import type { Recognizer } from '../types.js';
import { placeOfBundle } from './bundle-place.js';
import { loadHere, type LoadHereOptions } from './load-here.js';
import { startPool } from './pool.js';

/** Which model, and where it computes. */
export interface LoadOptions extends Omit<LoadHereOptions, 'detector'> {
  /** Folder of a bundle, or its `http(s):` or `file:` address; the bundled model by default. */
  readonly bundle?: string | URL | undefined;
  /**
   * Path or `file:` URL of the face detector's model; by default the package's
   * `models/blazeface/face_detection_back_256x256.onnx`.
   */
  readonly detector?: string | URL | undefined;
  /**
   * Computes in so many child processes, so that this process's event loop stays free; 0 (the default) computes here,
   * which blocks it for the milliseconds that a run takes.
   */
  readonly processes?: number | undefined;
}

/** More are slips of the pen: a process holds the model in memory once more. */
const MOST_PROCESSES = 256;
const MOST_THREADS = 1024;

const OPTIONS: Kinds<LoadOptions> = {
  // `placeOfBundle` says what it takes.
  bundle: anything,
  // `localPath` says what it takes.
  detector: anything,
  processes: wholeNumber(0, MOST_PROCESSES),
  threads: wholeNumber(1, MOST_THREADS),
  spinning: flag,
  maxPixels: wholeNumber(1),
  files: flag,
};

/**
 * Loads a model that recognises emotions.
 *
 *     const recognizer = await loadRecognizer();
 *     const result = await recognizer.recognize({ text: 'At last we won!', image: 'face.jpg' });
 *     if (isRecognition(result)) console.log(result.label);
 *
 * @throws MienError `bundle`, `file` or `format` when the bundle is not whole, `offline` when it cannot be fetched,
 *   `usage` for an option that is not known or a value that it does not take.
 */
export async function loadRecognizer(options: LoadOptions = {}): Promise<Recognizer> {
  checkOptions(options, OPTIONS, 'loadRecognizer');
  const { bundle = bundledModel(), detector, processes = 0, ...rest } = options;
  const folder = placeOfBundle(bundle);
  const here = { ...rest, ...(detector === undefined ? {} : { detector: localPath(detector) }) };
  if (processes === 0) return loadHere(folder, here);
  const threads = rest.threads ?? Math.max(1, Math.floor(availableParallelism() / processes));
  return startPool({ ...here, bundle: folder, threads }, processes);
}

/** The path that a `file:` URL stands for; anything else as it is. @throws MienError `usage` when it stands for none. */
function localPath(address: string | URL): string {
  const text = String(address);
  if (!/^file:/i.test(text)) return text;
  try {
    return fileURLToPath(text);
  } catch (cause) {
    throw new MienError('usage', `is no file of this computer: ${messageOf(cause)}`, { file: text, cause });
  }
}
