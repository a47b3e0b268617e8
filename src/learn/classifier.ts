// The linear classifier that is trained on top of an encoder.
import type { Tensors } from '../base/tensor.js';

/** Its name in published checkpoints. */
export const CLASSIFIER = 'classifier';

export const isClassifier = (name: string): boolean => name.startsWith(`${CLASSIFIER}.`);

/** The second classifier of a face encoder, which learns published labels beside the votes; see `publishedLabels`. */
export const PUBLISHED_CLASSIFIER = `${CLASSIFIER}.published`;

/** Logits `[n, classes]` of embeddings `[n, width]` by the classifier of this name. */
export function classify(
  embeddings: Float32Array,
  weights: Tensors,
  classes: number,
  name: string = CLASSIFIER,
): Float32Array {
  const { data, shape } = weights[`${name}.weight`]!;
  const bias = weights[`${name}.bias`]!.data as Float32Array;
  const matrix = data as Float32Array;
  const width = shape[1]!;
  const n = embeddings.length / width;
  const logits = new Float32Array(n * classes);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < classes; c++) {
      let total = bias[c]!;
      for (let k = 0; k < width; k++) total += embeddings[i * width + k]! * matrix[c * width + k]!;
      logits[i * classes + c] = total;
    }
  return logits;
}
