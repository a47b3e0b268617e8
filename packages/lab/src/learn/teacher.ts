// Posteriors of learned encoders as soft labels for another training (Hinton et al. 2015, distillation).
import { setImmediate } from 'node:timers/promises';
import { MienError } from 'mien-engine/base';
import { type Progress, silentProgress } from 'mien/parts/base';
import { scores, toPosteriors } from 'mien/parts/evaluate';
import { createTextEncoder } from '../encoders/load.js';
import { classify, withPrior } from './classifier.js';
import { decodeFaces, type Pictured } from './face-images.js';
import { faceClassifier } from './face-model.js';
import { readLearnedFace, readLearnedText } from './learned.js';

/** Posteriors `[n, labels]`, and their share of the target; the smoothed label is the rest. */
export interface Teacher {
  readonly posteriors: Float32Array;
  readonly share: number;
}

export interface TeacherOptions {
  /** Folders that `mien learn` finished; their posteriors are averaged. */
  readonly folders: readonly string[];
  readonly share: number;
  readonly labels: readonly string[];
  readonly threads?: number | undefined;
  readonly progress?: Progress;
  readonly signal?: AbortSignal | undefined;
}

/** How many items are classified at a time. */
const CHUNK = 1024;

/** A finished run that is opened to classify items. */
interface OpenTeacher {
  readonly labels: readonly string[];
  /** Logits of the items from `start` to before `end`. */
  logits(start: number, end: number): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** The teachers' mean posteriors of faces, each with its mirror image. */
export function faceTeacher(faces: readonly Pictured[], options: TeacherOptions): Promise<Teacher> {
  return averaged(faces.length, options, async (folder) => {
    const { network, input, weights, labels } = await readLearnedFace(folder);
    const model = { network, input, classes: labels.length };
    const classifier = await faceClassifier(model, weights, { mirror: true, threads: options.threads });
    return {
      labels,
      logits: async (start, end) => classifier.logits(await decodeFaces(faces.slice(start, end))),
      dispose: () => classifier.dispose(),
    };
  });
}

/**
 * The teachers' mean posteriors of tokenised texts, without `adjustment`'s share of the prior in each teacher's
 * classifier: that prior is of all corpora, and each corpus has its own label frequencies.
 */
export function textTeacher(
  texts: readonly Int32Array[],
  adjustment: number,
  options: TeacherOptions,
): Promise<Teacher> {
  return averaged(texts.length, options, async (folder) => {
    const { config, weights, labels, pooling, record } = await readLearnedText(folder);
    const { prior } = record.calibration ?? {};
    const even = prior ? withPrior(weights, prior, -adjustment) : weights;
    const encoder = await createTextEncoder(config, weights, pooling, { threads: options.threads });
    return {
      labels,
      logits: async (start, end) =>
        classify((await encoder.encode(texts.slice(start, end))).data, even, labels.length),
      dispose: () => encoder.dispose(),
    };
  });
}

async function averaged(
  n: number,
  { folders, share, labels, progress = silentProgress, signal }: TeacherOptions,
  open: (folder: string) => Promise<OpenTeacher>,
): Promise<Teacher> {
  const posteriors = new Float32Array(n * labels.length);
  progress.begin('run teachers', n * folders.length, 'items');
  for (const folder of folders) {
    const teacher = await open(folder);
    try {
      if (teacher.labels.join() !== labels.join())
        throw new MienError(
          'weights',
          `knows the labels ${teacher.labels.join(', ')}, not ${labels.join(', ')}`,
          {
            file: folder,
          },
        );
      for (let start = 0; start < n; start += CHUNK) {
        const end = Math.min(n, start + CHUNK);
        const own = toPosteriors(scores(labels.length, await teacher.logits(start, end))).data;
        own.forEach((one, i) => (posteriors[start * labels.length + i]! += one / folders.length));
        progress.advance(end - start);
        // Signals are received between turns of the event loop only.
        await setImmediate();
        if (signal?.aborted)
          throw new MienError('interrupted', 'stopped before the training began', {
            hint: 'Run the same command again.',
          });
      }
    } finally {
      await teacher.dispose();
    }
  }
  progress.end();
  return { posteriors, share };
}
