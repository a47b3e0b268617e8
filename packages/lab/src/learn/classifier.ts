// The linear classifier that is trained on top of an encoder.
import { float32, type Tensor, type Tensors } from 'mien-engine/base';

/** Its name in published checkpoints. */
export const CLASSIFIER = 'classifier';

/** Name of a second classifier on the same embedding, for a corpus's finer labels. */
export const FINE_CLASSIFIER = 'fine_classifier';

export const isClassifier = (name: string): boolean =>
  [CLASSIFIER, FINE_CLASSIFIER].some((classifier) => name.startsWith(`${classifier}.`));

/** The second classifier of a face encoder, trained on published labels besides the votes; see `publishedLabels`. */
export const PUBLISHED_CLASSIFIER = `${CLASSIFIER}.published`;

/** Logits `[n, classes]` of embeddings `[n, width]` by the classifier of this name. */
export function classify(
  embeddings: Float32Array,
  weights: Tensors,
  classes: number,
  classifier = CLASSIFIER,
): Float32Array {
  const { data, shape } = weights[`${classifier}.weight`]!;
  const bias = weights[`${classifier}.bias`]!.data as Float32Array;
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

/**
 * The weights with the label frequencies, which training removes from the logits, restored in the classifier's bias.
 */
export function withPrior(weights: Tensors, prior: readonly number[], adjustment: number): Tensors {
  const name = `${CLASSIFIER}.bias`;
  const { shape, data } = weights[name] as Tensor<'float32'>;
  const bias = data.map((value, c) => value + adjustment * Math.log(prior[c]!));
  return { ...weights, [name]: float32(shape, bias) };
}
