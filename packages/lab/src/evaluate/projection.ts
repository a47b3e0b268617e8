// Lays points out on a plane so that near ones stay near: t-SNE.
import { TSNE } from '@saehrimnir/druidjs';
import { MienError } from 'mien-engine/base';
import { trustworthiness, type Points } from './trustworthiness.js';

export interface MapSettings {
  /** About how many neighbours a point has. */
  readonly perplexity: number;
  /** Step size of the descent. */
  readonly learningRate: number;
  readonly iterations: number;
  readonly seed: number;
  /** Neighbours that trustworthiness looks at. */
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
 * Exact t-SNE of points, quadratic in their number: a thousand take about ten seconds. The perplexity is lowered to
 * what few points allow. The map's axes, its scale and the distances between clusters mean nothing; neighbourhoods do,
 * to the degree that trustworthiness says.
 * Source: van der Maaten & Hinton 2008, "Visualizing data using t-SNE", as @saehrimnir/druidjs implements it (early
 * exaggeration 4 for 100 steps, momentum 0.5 for 250 steps, then 0.8).
 * @throws MienError `shape` for fewer than 8 points, `diverged` when a point is not finite.
 */
export function mapPoints({ width, data }: Points, given: Partial<MapSettings> = {}): PointMap {
  const n = data.length / width;
  if (!Number.isInteger(n) || n < 8) throw new MienError('shape', `a map needs 8 points at least, not ${n}`);
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
