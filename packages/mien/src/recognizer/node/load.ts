// `loadRecognizer` in Node: the bundled model or another, in this process or in others.
import { fileURLToPath } from 'node:url';
import {
  anything,
  checkOptions,
  flag,
  type Kinds,
  messageOf,
  MienError,
  number,
  wholeNumber,
} from 'mien-engine/base';
import { threadsPerProcess } from 'mien-engine/node';
import { bundledModel } from '../../base/package.js';
import type { Recognizer } from '../types.js';
import { placeOfBundle } from './bundle-place.js';
import { loadHere, type LoadHereOptions } from './load-here.js';
import { startPool } from './pool.js';

/** The model, and where it computes. */
export interface LoadOptions extends Omit<LoadHereOptions, 'detector'> {
  /** Folder of a bundle, or its `http(s):` or `file:` URL; by default the bundled model. */
  readonly bundle?: string | URL | undefined;
  /**
   * Path or `file:` URL of the face detector's model; by default the package's
   * `models/blazeface/face_detection_back_256x256.onnx`.
   */
  readonly detector?: string | URL | undefined;
  /**
   * Number of child processes that compute, so that the event loop of this process is not blocked; 0 (the default) computes
   * in this process, which blocks it for some milliseconds per item.
   */
  readonly processes?: number | undefined;
}

/** More are probably a mistake: each process holds a copy of the model in memory. */
const MOST_PROCESSES = 256;
const MOST_THREADS = 1024;

const OPTIONS: Kinds<LoadOptions> = {
  // Validated by `placeOfBundle`.
  bundle: anything,
  // Validated by `localPath`.
  detector: anything,
  processes: wholeNumber(0, MOST_PROCESSES),
  threads: wholeNumber(1, MOST_THREADS),
  spinning: flag,
  maxPixels: wholeNumber(1),
  maxSeconds: number('seconds above zero', (seconds) => seconds > 0),
  files: flag,
};

/**
 * Loads a model that recognises emotions.
 *
 *     const recognizer = await loadRecognizer();
 *     const result = await recognizer.recognize({ text: 'At last we won!', image: 'face.jpg' });
 *     if (isRecognition(result)) console.log(result.label);
 *
 * @throws MienError `bundle`, `file` or `format` if the bundle is incomplete or invalid, `offline` if it cannot be fetched,
 *   `usage` for an unknown option or an invalid value.
 */
export async function loadRecognizer(options: LoadOptions = {}): Promise<Recognizer> {
  checkOptions(options, OPTIONS, 'loadRecognizer');
  const { bundle = bundledModel(), detector, processes = 0, ...rest } = options;
  const folder = placeOfBundle(bundle);
  const here = { ...rest, detector: detector === undefined ? undefined : localPath(detector) };
  if (processes === 0) return loadHere(folder, here);
  const threads = rest.threads ?? threadsPerProcess(processes);
  return startPool({ ...here, bundle: folder, threads }, processes);
}

/** The path of a `file:` URL; other paths unchanged. @throws MienError `usage` if the URL is not of a local file. */
function localPath(address: string | URL): string {
  const text = String(address);
  if (!/^file:/i.test(text)) return text;
  try {
    return fileURLToPath(text);
  } catch (cause) {
    throw new MienError('usage', `is not a local file: ${messageOf(cause)}`, { file: text, cause });
  }
}
