// Rows of one number per label: the logits of heads, and the posteriors that evaluation works on.
import { MienError } from 'mien-engine/base';

/** `[n, classes]`, row-major: logits, log-posteriors or posteriors of n items. */
export interface Scores<Values extends Float32Array | Float64Array = Float32Array | Float64Array> {
  readonly classes: number;
  readonly data: Values;
}

/**
 * Scores that view existing data, such as that of a tensor of logits.
 * @throws MienError `shape` when the length is not a multiple of `classes`.
 */
export function scores<Values extends Float32Array | Float64Array>(
  classes: number,
  data: Values,
): Scores<Values> {
  if (!Number.isInteger(classes) || classes < 1 || data.length % classes !== 0)
    throw new MienError('shape', `${data.length} scores cannot be divided into rows of ${classes} labels`);
  return { classes, data };
}

/** The rows at these positions, in that order. */
export function pick({ classes, data }: Scores, positions: ArrayLike<number>): Scores {
  const out = new Float64Array(positions.length * classes);
  for (let i = 0; i < positions.length; i++)
    for (let k = 0; k < classes; k++) out[i * classes + k] = data[positions[i]! * classes + k]!;
  return { classes, data: out };
}

/** Number of items. */
export const rowCount = ({ classes, data }: Scores): number => data.length / classes;

/**
 * Log-posteriors `[n, classes]` of logits divided by a temperature, in float64. At temperature 1 log-posteriors are
 * unchanged; a score of −∞ remains −∞.
 * @throws MienError `diverged` when a row contains NaN or +∞, or only −∞.
 */
export function toLogPosteriors(logits: Scores, temperature = 1): Scores<Float64Array> {
  const { classes, data } = logits;
  const out = new Float64Array(data.length);
  for (let start = 0; start < data.length; start += classes) {
    let max = -Infinity;
    for (let k = start; k < start + classes; k++) {
      if (!(data[k]! < Infinity)) throw notFinite(start / classes);
      max = Math.max(max, data[k]! / temperature);
    }
    if (max === -Infinity) throw notFinite(start / classes);
    let sum = 0;
    for (let k = start; k < start + classes; k++) sum += Math.exp(data[k]! / temperature - max);
    const normaliser = max + Math.log(sum);
    for (let k = start; k < start + classes; k++) out[k] = data[k]! / temperature - normaliser;
  }
  return { classes, data: out };
}

/** Posteriors `[n, classes]` of logits divided by a temperature; each row sums to one. Throws as `toLogPosteriors`. */
export function toPosteriors(logits: Scores, temperature = 1): Scores<Float64Array> {
  const { classes, data } = toLogPosteriors(logits, temperature);
  return { classes, data: data.map(Math.exp) };
}

const notFinite = (row: number): MienError =>
  new MienError('diverged', `the scores of item ${row} are not finite`, {
    hint: 'The model has diverged: lower optimizer.learningRate or set optimizer.clipNorm.',
  });

/**
 * The index of each row's largest score, the first in case of ties.
 * @throws MienError `diverged` when a row contains NaN.
 */
export function argmax({ classes, data }: Scores): Uint8Array {
  const out = new Uint8Array(data.length / classes);
  for (let row = 0; row < out.length; row++) {
    let best = 0;
    for (let k = 0; k < classes; k++) {
      const value = data[row * classes + k]!;
      if (Number.isNaN(value)) throw notFinite(row);
      if (value > data[row * classes + best]!) best = k;
    }
    out[row] = best;
  }
  return out;
}

/** 1 for each row whose largest score is the true label's, else 0. @throws MienError `diverged` as `argmax`. */
export const hitsAgainst = (all: Scores, truth: ArrayLike<number>): Uint8Array =>
  argmax(all).map((label, i) => Number(label === truth[i]));

/** Positions of the labels `to` in `from`. @throws MienError `usage` when one is missing. */
function positions(from: readonly string[], to: readonly string[]): number[] {
  return to.map((label) => {
    const index = from.indexOf(label);
    if (index < 0)
      throw new MienError('usage', `label "${label}" is not among ${from.join(', ')}`, { field: 'labels' });
    return index;
  });
}

/**
 * Selects the columns of the labels `to` from scores over the labels `from`. For logits and log-posteriors this conditions
 * on a subset of labels: p(y | x, y ∈ S) is the softmax of the remaining columns.
 * @throws MienError `usage` when a label is not among `from`, `shape` when `from` does not match the scores.
 */
export function restrictLogits(
  logits: Scores,
  from: readonly string[],
  to: readonly string[],
): Scores<Float64Array> {
  if (from.length !== logits.classes)
    throw new MienError('shape', `${from.length} labels given for scores over ${logits.classes}`);
  const columns = positions(from, to);
  const n = rowCount(logits);
  const data = new Float64Array(n * columns.length);
  for (let row = 0; row < n; row++)
    columns.forEach((column, k) => {
      data[row * columns.length + k] = logits.data[row * logits.classes + column]!;
    });
  return { classes: columns.length, data };
}

/**
 * Posteriors over the labels `to`, from posteriors over `from` (such as the five shared labels of seven): the remaining
 * probabilities of each row, renormalised. A row whose remaining mass underflows to zero becomes uniform.
 */
export function restrictPosteriors(
  posteriors: Scores,
  from: readonly string[],
  to: readonly string[],
): Scores<Float64Array> {
  return normalizeRows(restrictLogits(posteriors, from, to));
}

/** Makes each row sum to one, in place; a row of zeros becomes `empty(i)`, by default uniform. */
function normalizeRows(
  { classes, data }: Scores<Float64Array>,
  empty: (index: number) => number = () => 1 / classes,
): Scores<Float64Array> {
  for (let start = 0; start < data.length; start += classes) {
    let sum = 0;
    for (let i = start; i < start + classes; i++) sum += data[i]!;
    for (let i = start; i < start + classes; i++) data[i] = sum > 0 ? data[i]! / sum : empty(i);
  }
  return { classes, data };
}

/** A label prior over `from`, restricted to the labels `to` and renormalised. */
export const restrictPrior = (
  prior: readonly number[],
  from: readonly string[],
  to: readonly string[],
): number[] => [...restrictPosteriors(scores(from.length, Float64Array.from(prior)), from, to).data];

/** Posteriors `[n, classes]` converted from one prior to another by Bayes' rule: p · to / from, renormalised. */
export function movePrior(
  { classes, data }: Scores,
  from: readonly number[],
  to: readonly number[],
): Scores<Float64Array> {
  const moved = Float64Array.from(data, (value, i) => (value * to[i % classes]!) / from[i % classes]!);
  return normalizeRows({ classes, data: moved });
}

/**
 * The same conversion for logits, an offset `[classes]` to add to them: as probabilities are softmax(z / T), it is
 * T · (log to − log from).
 */
export const priorShift = (from: readonly number[], to: readonly number[], temperature: number): number[] =>
  to.map((share, k) => temperature * Math.log(share / from[k]!));
