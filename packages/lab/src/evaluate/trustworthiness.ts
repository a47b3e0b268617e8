// Whether neighbours on a map are neighbours in the space it was made from.
import { MienError } from 'mien-engine/base';

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
 * Trustworthiness of a map, 0 to 1: 1 when each point's `neighbours` nearest points on the map are also its nearest
 * ones in the space; a point that is near on the map costs as many ranks as it lies beyond them in the space.
 * As scikit-learn's `manifold.trustworthiness` with Euclidean distances.
 * Source: Venna & Kaski 2001, "Neighborhood preservation in nonlinear projection methods".
 * @throws MienError `shape` when the two differ in points, or `neighbours` is not below half their number.
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
