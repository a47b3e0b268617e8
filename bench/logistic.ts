// Logistic regression on frozen embeddings, for the benchmarks of voices.

const STEPS = 200;

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
  const items = rows.length / width;
  const out = new Float32Array(rows.length);
  for (let k = 0; k < width; k++) {
    const column = training.map((i) => reference[i * width + k]!);
    const centre = column.reduce((a, b) => a + b, 0) / column.length;
    const deviation = Math.sqrt(column.reduce((a, b) => a + (b - centre) ** 2, 0) / column.length) || 1;
    for (let i = 0; i < items; i++) out[i * width + k] = (rows[i * width + k]! - centre) / deviation;
  }
  return out;
}

/**
 * Logistic regression with the penalty `penalty` · ‖W‖² / 2 beside the sum of losses, by gradient descent with Nesterov's momentum:
 * the loss is convex, and its steepest curvature at most half the largest eigenvalue of XᵀX.
 */
export function fit(
  of: Embedded,
  rows: Float32Array,
  training: readonly number[],
  penalty = 1,
): Float32Array {
  const { width, classes, labels } = of;
  const size = (width + 1) * classes;
  let [weight, before] = [new Float32Array(size), new Float32Array(size)];
  const rate = 1 / (penalty + 0.5 * largestEigenvalue(width, rows, training));
  for (let step = 1; step <= STEPS; step++) {
    const ahead = weight.map((w, i) => w + ((step - 1) / (step + 2)) * (w - before[i]!));
    const slope = ahead.map((w, i) => (i < width * classes ? penalty * w : 0));
    for (const i of training) {
      const p = posterior(of, rows, i, ahead);
      p[labels[i]!]! -= 1;
      for (let k = 0; k < width; k++)
        for (let c = 0; c < classes; c++) slope[k * classes + c]! += rows[i * width + k]! * p[c]!;
      for (let c = 0; c < classes; c++) slope[width * classes + c]! += p[c]!;
    }
    [before, weight] = [weight, ahead.map((w, i) => w - rate * slope[i]!)];
  }
  return weight;
}

function largestEigenvalue(width: number, rows: Float32Array, training: readonly number[]): number {
  let vector = new Float64Array(width).fill(1 / Math.sqrt(width));
  let value = 0;
  for (let round = 0; round < 30; round++) {
    const next = new Float64Array(width);
    for (const i of training) {
      let dot = 0;
      for (let k = 0; k < width; k++) dot += rows[i * width + k]! * vector[k]!;
      for (let k = 0; k < width; k++) next[k]! += dot * rows[i * width + k]!;
    }
    value = Math.hypot(...next);
    vector = next.map((x) => x / value);
  }
  return Math.max(value, training.length);
}

/** Posterior `[classes]` of one item, by the weights `[width + 1, classes]` of which the last row is the bias. */
export function posterior(
  { width, classes }: Embedded,
  rows: Float32Array,
  i: number,
  weight: Float32Array,
): Float64Array {
  const logits = new Float64Array(classes);
  for (let c = 0; c < classes; c++) logits[c] = weight[width * classes + c]!;
  for (let k = 0; k < width; k++)
    for (let c = 0; c < classes; c++) logits[c]! += rows[i * width + k]! * weight[k * classes + c]!;
  const most = Math.max(...logits);
  const powers = logits.map((x) => Math.exp(x - most));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / total);
}
