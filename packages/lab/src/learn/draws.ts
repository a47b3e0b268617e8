// The items of an epoch and their targets: functions of seed and epoch alone, so that trainings resume.
import { itemsAt, randomStream, type RandomStream } from 'mien-engine/base';

/**
 * Indices of an epoch's items in random order; item i occurs `repeats[i]` times on average: the whole part always, the
 * rest by chance.
 */
export function epochOrder(repeats: ArrayLike<number>, seed: number, epoch: number): Int32Array {
  const draw = randomStream(seed, 'learn order', epoch);
  const met: number[] = [];
  for (let i = 0; i < repeats.length; i++) {
    const whole = Math.floor(repeats[i]!);
    const times = whole + (draw.uniform() < repeats[i]! - whole ? 1 : 0);
    for (let k = 0; k < times; k++) met.push(i);
  }
  return Int32Array.from(itemsAt(met, draw.permutation(met.length)));
}

/** Weights of labels: (n / count)^balance, scaled to a mean of 1 over the items. */
export function labelWeights(labels: ArrayLike<number>, classes: number, balance: number): Float32Array {
  const counts = new Float64Array(classes);
  for (let i = 0; i < labels.length; i++) counts[labels[i]!]! += 1;
  const raw = counts.map((count) => (count > 0 ? count ** -balance : 0));
  const total = raw.reduce((sum, weight, label) => sum + weight * counts[label]!, 0);
  return Float32Array.from(raw, (weight) => (weight * labels.length) / total);
}

/**
 * The distribution over labels that an item is trained towards: 1 − smoothing on its label and smoothing spread over
 * all labels; a teacher's posteriors replace their share of it.
 */
export const targetsOf = (
  labels: ArrayLike<number>,
  classes: number,
  smoothing: number,
  teacher?: TaughtBy,
): ((item: number) => Float32Array) =>
  softTargetsOf((item) => oneHotRow(labels[item]!, classes), classes, smoothing, teacher);

interface TaughtBy {
  readonly posteriors: Float32Array;
  readonly share: number;
}

/** 1 for one label and 0 for the others. */
export const oneHotRow = (label: number, classes: number): Float32Array =>
  Float32Array.from({ length: classes }, (_, c) => Number(c === label));

/** As `targetsOf`, for items that have a distribution over the labels instead of one label. */
export function softTargetsOf(
  distributionOf: (item: number) => ArrayLike<number>,
  classes: number,
  smoothing: number,
  teacher?: TaughtBy,
): (item: number) => Float32Array {
  const own = teacher === undefined ? 1 : 1 - teacher.share;
  return (item) => {
    const distribution = distributionOf(item);
    const target = Float32Array.from(
      { length: classes },
      (_, c) => own * (smoothing / classes + (1 - smoothing) * distribution[c]!),
    );
    if (teacher)
      for (let c = 0; c < classes; c++) target[c]! += teacher.share * teacher.posteriors[item * classes + c]!;
    return target;
  };
}

/** A number of the Beta(a, a) distribution, by rejection (Jöhnk 1964); meant for a of about 1 and less. */
export function drawBeta(draw: RandomStream, a: number): number {
  for (;;) {
    const [x, y] = [draw.uniform() ** (1 / a), draw.uniform() ** (1 / a)];
    if (x + y <= 1 && x + y > 0) return x / (x + y);
  }
}
