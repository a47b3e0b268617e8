// Logistic regression on fixed embeddings: a convex problem, solved by accelerated gradient steps over all rows at once.
import {
  add,
  createGraph,
  createSession,
  encodeModel,
  float32,
  gradients,
  input,
  matmul,
  mul,
  reshape,
  softCrossEntropy,
  sum,
  type Tensor,
  transpose,
} from 'mien-engine';

export interface LogisticProblem {
  /** `[n, width]`, standardised. */
  readonly rows: Tensor<'float32'>;
  /** Distributions over the labels, `[n, classes]`. */
  readonly targets: Tensor<'float32'>;
  /** Added to the logits, `[n, classes]`. */
  readonly offsets: Tensor<'float32'>;
  /** `[n]` */
  readonly weights: Tensor<'float32'>;
  /** The penalty is `penalty` · ‖W‖² / 2, beside the weighted sum of the losses; the bias has none. */
  readonly penalty: number;
}

export interface LogisticRegression {
  /** `[classes, width]` */
  readonly weight: Tensor<'float32'>;
  /** `[classes]` */
  readonly bias: Tensor<'float32'>;
  readonly steps: number;
}

const MOST_STEPS = 500;
/** Steps end when none changes a weight by more than this share of the largest weight. */
const TOLERANCE = 1e-4;
const POWER_ROUNDS = 30;

/**
 * The weights of the smallest loss. Nesterov's steps (1983), whose momentum is reset when it points uphill
 * (O'Donoghue and Candès 2015); their length is that of the largest curvature, at most half the largest eigenvalue of
 * the weighted rows' XᵀX.
 */
export async function fitLogistic(problem: LogisticProblem, threads?: number): Promise<LogisticRegression> {
  const { rows, targets, offsets, weights, penalty } = problem;
  const [n, width] = rows.shape as [number, number];
  const classes = targets.shape[1]!;
  const size = classes * width;
  const options = threads === undefined ? {} : { threads };
  const rate = 1 / (penalty + 0.5 * (await largestEigenvalue(rows, weights, options)));
  const session = await createSession(slopeModel(n, width, classes), options);
  const split = (all: Float32Array) => ({
    weight: float32([classes, width], all.subarray(0, size)),
    bias: float32([classes], all.subarray(size)),
  });
  const slopeAt = async (at: Float32Array): Promise<Float32Array> => {
    const slopes = await session.run({ ...split(at), rows, targets, offsets, weights });
    const all = new Float32Array(at.length);
    all.set(slopes['weight slope']!.data as Float32Array);
    all.set(slopes['bias slope']!.data as Float32Array, size);
    for (let i = 0; i < size; i++) all[i]! += penalty * at[i]!;
    return all;
  };
  let now = new Float32Array(size + classes);
  let ahead = now;
  let momentum = 1;
  let steps = 0;
  try {
    for (let [change, largest] = [Infinity, 0]; change > TOLERANCE * largest && steps < MOST_STEPS; steps++) {
      const slope = await slopeAt(ahead);
      const next = ahead.map((value, i) => value - rate * slope[i]!);
      const uphill = slope.reduce((total, value, i) => total + value * (next[i]! - now[i]!), 0);
      const following = uphill > 0 ? 1 : (1 + Math.sqrt(1 + 4 * momentum * momentum)) / 2;
      const share = uphill > 0 ? 0 : (momentum - 1) / following;
      change = next.reduce((most, value, i) => Math.max(most, Math.abs(value - now[i]!)), 0);
      largest = next.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const before = now;
      ahead = next.map((value, i) => value + share * (value - before[i]!));
      [now, momentum] = [next, following];
    }
  } finally {
    await session.dispose();
  }
  return { ...split(now), steps };
}

/** Slopes of the weighted sum of the losses. */
function slopeModel(n: number, width: number, classes: number): Uint8Array {
  const graph = createGraph('logistic');
  const at = (name: string, shape: readonly number[]) => input(graph, name, 'float32', shape);
  const [weight, bias] = [at('weight', [classes, width]), at('bias', [classes])];
  const weights = at('weights', [n]);
  const logits = add(matmul(at('rows', [n, width]), transpose(weight)), bias);
  const mean = softCrossEntropy(
    add(logits, at('offsets', [n, classes])),
    at('targets', [n, classes]),
    weights,
  );
  const [weightSlope, biasSlope] = gradients(mul(mean, sum(weights)), [weight, bias]);
  return encodeModel(graph, { 'weight slope': weightSlope!, 'bias slope': biasSlope! });
}

/** Of Xᵀ diag(weights) X, with a column of ones for the bias; by power iteration. */
async function largestEigenvalue(
  rows: Tensor<'float32'>,
  weights: Tensor<'float32'>,
  options: { threads?: number },
): Promise<number> {
  const [n, width] = rows.shape as [number, number];
  const graph = createGraph('curvature');
  const at = (name: string, shape: readonly number[]) => input(graph, name, 'float32', shape);
  const x = at('rows', [n, width]);
  const column = reshape(at('weights', [n]), [n, 1]);
  const scaled = mul(add(matmul(x, at('vector', [width, 1])), at('constant', [1])), column);
  const session = await createSession(
    encodeModel(graph, { product: matmul(reshape(scaled, [1, n]), x), total: sum(scaled) }),
    options,
  );
  let vector = new Float32Array(width).fill(1 / Math.sqrt(width + 1));
  let constant = 1 / Math.sqrt(width + 1);
  let value = 0;
  try {
    for (let round = 0; round < POWER_ROUNDS; round++) {
      const next = await session.run({
        rows,
        weights,
        vector: float32([width, 1], vector),
        constant: float32([1], Float32Array.of(constant)),
      });
      const long = next['product']!.data as Float32Array;
      const last = (next['total']!.data as Float32Array)[0]!;
      value = Math.sqrt(long.reduce((total, x) => total + x * x, last * last));
      vector = long.map((x) => x / value);
      constant = last / value;
    }
  } finally {
    await session.dispose();
  }
  // Power iteration approaches the value from below.
  return 1.05 * value;
}
