// Logistic regression on frozen embeddings, for the benchmarks of voices.
import { float32 } from 'mien-engine';
import { fitLogistic, type LogisticRegression, standardization, standardizeInPlace } from 'mien-lab';

/** Embeddings `[n, width]` with the index of each one's label. */
export interface Embedded {
  readonly width: number;
  readonly classes: number;
  readonly labels: readonly number[];
}

/** Columns get mean 0 and deviation 1 by what those of the training rows have; all rows are returned. */
export function standardized(
  { width }: Embedded,
  rows: Float32Array,
  training: readonly number[],
  reference: Float32Array = rows,
): Float32Array {
  const out = rows.slice();
  standardizeInPlace(out, standardization(float32([reference.length / width, width], reference), training));
  return out;
}

/** The logistic regression of the training rows, all with the same weight. */
export function fit(
  { width, classes, labels }: Embedded,
  rows: Float32Array,
  training: readonly number[],
  penalty = 1,
): Promise<LogisticRegression> {
  const n = training.length;
  const chosen = new Float32Array(n * width);
  const targets = new Float32Array(n * classes);
  training.forEach((item, i) => {
    chosen.set(rows.subarray(item * width, (item + 1) * width), i * width);
    targets[i * classes + labels[item]!] = 1;
  });
  return fitLogistic(
    {
      rows: float32([n, width], chosen),
      targets: float32([n, classes], targets),
      offsets: float32([n, classes], new Float32Array(n * classes)),
      weights: float32([n], new Float32Array(n).fill(1)),
      penalty,
    },
    1,
  );
}

/** Posterior `[classes]` of one item. */
export function posterior(
  { width, classes }: Embedded,
  rows: Float32Array,
  i: number,
  { weight, bias }: LogisticRegression,
): Float64Array {
  const logits = Float64Array.from(bias.data);
  for (let c = 0; c < classes; c++)
    for (let k = 0; k < width; k++) logits[c]! += rows[i * width + k]! * weight.data[c * width + k]!;
  const most = Math.max(...logits);
  const powers = logits.map((x) => Math.exp(x - most));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / total);
}
