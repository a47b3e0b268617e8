// `loadRecognizer` in Node: the bundled model or another, in this process or in others.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { messageOf, MienError } from '../../base/errors.js';
import { checkNames } from '../../base/names.js';
import { bundledModel } from '../../base/package.js';
import type { Recognizer } from '../types.js';
import { loadHere, type LoadHereOptions } from './load-here.js';
import { startPool } from './pool.js';

/** Which model, and where it computes. */
export interface LoadOptions extends Omit<LoadHereOptions, 'detector'> {
  /** Folder (or http address) of a bundle; the bundled model by default. */
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

const OPTIONS: Record<keyof LoadOptions, true> = {
  ...{ bundle: true, detector: true, processes: true, threads: true, spinning: true },
  ...{ maxPixels: true, files: true },
};

/**
 * Loads a model that recognises emotions.
 *
 *     const recognizer = await loadRecognizer();
 *     const result = await recognizer.recognize({ text: 'At last we won!', image: 'face.jpg' });
 *     if (isRecognition(result)) console.log(result.label);
 *
 * @throws MienError `bundle`, `file` or `format` when the bundle is not whole, `offline` when it cannot be fetched,
 *   `usage` for an option that is not known.
 */
export async function loadRecognizer(options: LoadOptions = {}): Promise<Recognizer> {
  checkNames(options, OPTIONS, 'loadRecognizer');
  const { bundle = bundledModel(), detector, processes = 0, ...rest } = options;
  const folder = localPath(bundle);
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
