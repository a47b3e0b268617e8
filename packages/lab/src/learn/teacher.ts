// Posteriors of learned encoders as soft labels for another training (Hinton et al. 2015, distillation).
import { setImmediate } from 'node:timers/promises';
import { MienError } from 'mien-engine/base';
import { type Progress, silentProgress } from 'mien/parts/base';
import { scores, toPosteriors } from 'mien/parts/evaluate';
import { createTextEncoder } from '../encoders/load.js';
import { classify } from './classifier.js';
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

/** The teachers' mean posteriors of faces, each with its mirror image. */
export function faceTeacher(faces: readonly Pictured[], options: TeacherOptions): Promise<Teacher> {
  return averaged(faces.length, options, async (folder, advance) => {
    const { network, input, weights, labels } = await readLearnedFace(folder);
    const model = { network, input, classes: labels.length };
    const out = new Float32Array(faces.length * labels.length);
    const classifier = await faceClassifier(model, weights, { mirror: true, threads: options.threads });
    try {
      for (let start = 0; start < faces.length; start += CHUNK) {
        const images = await decodeFaces(faces.slice(start, start + CHUNK));
        out.set(await classifier.logits(images), start * labels.length);
        await advance(images.length);
      }
    } finally {
      await classifier.dispose();
    }
    return { labels, logits: out };
  });
}

/**
 * The teachers' mean posteriors of tokenised texts, without `adjustment`'s share of the prior in each teacher's
 * classifier: what it knows of label frequencies is of all corpora, and each corpus has its own.
 */
export function textTeacher(
  texts: readonly Int32Array[],
  adjustment: number,
  options: TeacherOptions,
): Promise<Teacher> {
  return averaged(texts.length, options, async (folder, advance) => {
    const { config, weights, labels, pooling, record } = await readLearnedText(folder);
    const { prior = labels.map(() => 1) } = record.calibration ?? {};
    const removed = prior.map((one) => adjustment * Math.log(one));
    const out = new Float32Array(texts.length * labels.length);
    const encoder = await createTextEncoder(config, weights, pooling, { threads: options.threads });
    try {
      for (let start = 0; start < texts.length; start += CHUNK) {
        const part = texts.slice(start, start + CHUNK);
        const logits = classify((await encoder.encode(part)).data, weights, labels.length);
        out.set(
          logits.map((logit, i) => logit - removed[i % labels.length]!),
          start * labels.length,
        );
        await advance(part.length);
      }
    } finally {
      await encoder.dispose();
    }
    return { labels, logits: out };
  });
}

async function averaged(
  n: number,
  { folders, share, labels, progress = silentProgress, signal }: TeacherOptions,
  judge: (
    folder: string,
    advance: (count: number) => Promise<void>,
  ) => Promise<{ labels: readonly string[]; logits: Float32Array }>,
): Promise<Teacher> {
  const posteriors = new Float32Array(n * labels.length);
  progress.begin('run teachers', n * folders.length, 'items');
  const advance = async (count: number): Promise<void> => {
    progress.advance(count);
    // Signals are received between turns of the event loop only.
    await setImmediate();
    if (signal?.aborted)
      throw new MienError('interrupted', 'stopped before the training began', {
        hint: 'Run the same command again.',
      });
  };
  for (const folder of folders) {
    const { labels: known, logits } = await judge(folder, advance);
    if (known.join() !== labels.join())
      throw new MienError('weights', `knows the labels ${known.join(', ')}, not ${labels.join(', ')}`, {
        file: folder,
      });
    const own = toPosteriors(scores(labels.length, logits)).data;
    for (let i = 0; i < posteriors.length; i++) posteriors[i]! += own[i]! / folders.length;
  }
  progress.end();
  return { posteriors, share };
}
