// `loadRecognizer` in Node: the bundled model or another, in this process or in others.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { checkNames } from '../../base/names.js';
import type { Recognizer } from '../types.js';
import { loadHere, type LoadHereOptions } from './load-here.js';
import { startPool } from './pool.js';

/** Which model, and where it computes. */
export interface LoadOptions extends LoadHereOptions {
  /** Folder (or http address) of a bundle; the bundled model by default. */
  readonly bundle?: string | URL | undefined;
  /**
   * Computes in so many child processes, so that this process's event loop stays free; 0 (the default) computes here,
   * which blocks it for the milliseconds that a run takes.
   */
  readonly processes?: number | undefined;
}

const OPTIONS: Record<keyof LoadOptions, true> = {
  ...{ bundle: true, processes: true, threads: true, spinning: true, maxPixels: true, files: true },
};

/** The model that comes with mien. */
export const BUNDLED = fileURLToPath(new URL('../../../models/lite', import.meta.url));

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
  const { bundle = BUNDLED, processes = 0, ...rest } = options;
  const folder =
    bundle instanceof URL && bundle.protocol === 'file:' ? fileURLToPath(bundle) : String(bundle);
  if (processes === 0) return loadHere(folder, rest);
  const threads = rest.threads ?? Math.max(1, Math.floor(availableParallelism() / processes));
  return startPool({ ...rest, bundle: folder, threads }, processes);
}
