// The linear classifier that is trained on top of an encoder.
import type { Tensors } from '../base/tensor.js';

/** Its name in published checkpoints. */
export const CLASSIFIER = 'classifier';

export const isClassifier = (name: string): boolean => name.startsWith(`${CLASSIFIER}.`);

/** Logits `[n, classes]` of embeddings `[n, width]`. */
export function classify(embeddings: Float32Array, weights: Tensors, classes: number): Float32Array {
  const { data, shape } = weights[`${CLASSIFIER}.weight`]!;
  const bias = weights[`${CLASSIFIER}.bias`]!.data as Float32Array;
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
