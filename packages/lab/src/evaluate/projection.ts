// Maps of points on a plane: t-SNE, the trustworthiness of its neighbourhoods, and stratified samples of points.
import { TSNE } from '@saehrimnir/druidjs';
import { itemsAt, MienError, type RandomStream } from 'mien-engine/base';

export interface MapSettings {
  /** Approximate number of neighbours of a point. */
  readonly perplexity: number;
  /** Step size of gradient descent. */
  readonly learningRate: number;
  readonly iterations: number;
  readonly seed: number;
  /** Number of neighbours considered by trustworthiness. */
  readonly neighbours: number;
}

const mapDefaults: MapSettings = {
  perplexity: 30,
  learningRate: 200,
  iterations: 500,
  seed: 0,
  neighbours: 10,
};

export interface PointMap {
  /** `[n, 2]`, row-major. */
  readonly coordinates: Float64Array;
  readonly trustworthiness: number;
  readonly settings: MapSettings;
}

/**
 * Exact t-SNE of points, quadratic in their number: a thousand take about ten seconds. For few points the perplexity is
 * reduced. The axes, the scale and the distances between clusters have no meaning; neighbourhoods do, to the degree
 * given by trustworthiness.
 * Source: van der Maaten & Hinton 2008, "Visualizing data using t-SNE", as @saehrimnir/druidjs implements it (early
 * exaggeration 4 for 100 steps, momentum 0.5 for 250 steps, then 0.8).
 * @throws MienError `shape` for fewer than 8 points, `diverged` if a point is not finite
 */
export function mapPoints({ width, data }: Points, given: Partial<MapSettings> = {}): PointMap {
  const n = data.length / width;
  if (!Number.isInteger(n) || n < 8) throw new MienError('shape', `a map needs at least 8 points, got ${n}`);
  const wanted = { ...mapDefaults, ...given };
  const settings = {
    ...wanted,
    perplexity: Math.min(wanted.perplexity, Math.floor((n - 1) / 3)),
    neighbours: Math.min(wanted.neighbours, Math.ceil(n / 2) - 1),
  };
  const rows = Array.from({ length: n }, (_, i) =>
    Float64Array.from({ length: width }, (_column, k) => data[i * width + k]!),
  );
  if (rows.some((row) => row.some((value) => !Number.isFinite(value))))
    throw new MienError('diverged', 'points that are not finite cannot be mapped');
  const { perplexity, learningRate: epsilon, seed, iterations, neighbours } = settings;
  const found = new TSNE(rows, { perplexity, epsilon, seed, d: 2 }).transform(iterations);
  const coordinates = Float64Array.from(found.flatMap((row) => [...row]));
  return {
    coordinates,
    trustworthiness: trustworthiness({ width, data }, { width: 2, data: coordinates }, neighbours),
    settings,
  };
}

/** n points of `width` coordinates each, row-major. */
export interface Points {
  readonly width: number;
  readonly data: ArrayLike<number>;
}

/** Squared Euclidean distances from point i to all points. */
function distancesFrom({ width, data }: Points, i: number, n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, j) => {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += (data[i * width + k]! - data[j * width + k]!) ** 2;
    return sum;
  });
}

/**
 * Trustworthiness of a map, 0 to 1: 1 if the `neighbours` nearest points of each point on the map are also the nearest
 * ones in the space; other near points on the map cost as many ranks as they are beyond the neighbours in the space.
 * As scikit-learn's `manifold.trustworthiness` with Euclidean distances.
 * Source: Venna & Kaski 2001, "Neighborhood preservation in nonlinear projection methods".
 * @throws MienError `shape` if the numbers of points differ, or `neighbours` is not below half their number
 */
export function trustworthiness(space: Points, map: Points, neighbours: number): number {
  const n = map.data.length / map.width;
  if (space.data.length / space.width !== n || !(neighbours >= 1 && neighbours < n / 2))
    throw new MienError(
      'shape',
      `${space.data.length / space.width} points mapped to ${n} cannot be compared by ${neighbours} neighbours`,
    );
  let cost = 0;
  for (let i = 0; i < n; i++) {
    const near = distancesFrom(map, i, n);
    const far = distancesFrom(space, i, n);
    near[i] = Infinity;
    const nearest = [...near.keys()].sort((a, b) => near[a]! - near[b]! || a - b).slice(0, neighbours);
    for (const j of nearest) {
      let rank = 1;
      for (let k = 0; k < n; k++) if (k !== i && far[k]! < far[j]!) rank++;
      cost += Math.max(0, rank - neighbours);
    }
  }
  return 1 - (2 * cost) / (n * neighbours * (2 * n - 3 * neighbours - 1));
}

/**
 * Positions of a sample of `count` items (or all, if there are fewer), ascending, stratified by label: each label gets
 * its share rounded down, and the rest goes to the labels with the largest remainders.
 */
export function stratifiedSample(labels: ArrayLike<number>, count: number, stream: RandomStream): Int32Array {
  const n = labels.length;
  if (count >= n) return Int32Array.from({ length: n }, (_, i) => i);
  const strata = new Map<number, number[]>();
  for (let i = 0; i < n; i++) {
    const items = strata.get(labels[i]!);
    if (items) items.push(i);
    else strata.set(labels[i]!, [i]);
  }
  const parts = [...strata]
    .sort(([a], [b]) => a - b)
    .map(([, items]) => ({ items, exact: (count * items.length) / n }));
  const left = count - parts.reduce((sum, { exact }) => sum + Math.floor(exact), 0);
  const byRemainder = parts.toSorted((a, b) => (b.exact % 1) - (a.exact % 1));
  const more = new Set(byRemainder.slice(0, left));
  return Int32Array.from(
    parts.flatMap((part) => {
      const order = stream.permutation(part.items.length);
      const size = Math.floor(part.exact) + (more.has(part) ? 1 : 0);
      return itemsAt(part.items, order.subarray(0, size));
    }),
  ).sort();
}
