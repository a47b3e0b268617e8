// Principal components of standardised embeddings, fitted on training rows only, in double precision, and an orthogonal
// transform that gives the components equal variance.
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { float32, MienError, type Tensor } from 'mien-engine/base';

export interface Pca {
  /** Mean and standard deviation of each input dimension, `[d]`; the deviation of a constant dimension is set to 1. */
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
  /** Orthonormal rows `[k, d]`, by decreasing variance; the largest entry of each is positive. */
  readonly components: Float64Array;
  /** Variance along each component, `[k]`. */
  readonly variances: Float64Array;
  /** Total variance of the standardised dimensions: the number of dimensions that are not constant. */
  readonly total: number;
  /** Share of `total` in the components. */
  readonly kept: number;
}

/** Rows to fit on: an embedding matrix and the indices of the rows to use. */
export interface FitRows {
  readonly embeddings: Tensor<'float32'>;
  readonly rows: readonly number[];
}

/** A dimension whose deviation is below this share of its mean counts as constant: the variation is rounding. */
const CONSTANT = 1e-6;
/** Rows whose products are summed before they are added to the covariance; eight in registers are fast. */
const BLOCK = 8;

function* eachRow(parts: readonly FitRows[]): Generator<Float32Array, void, undefined> {
  for (const { embeddings, rows } of parts) {
    const width = embeddings.shape[1]!;
    for (const row of rows) yield embeddings.data.subarray(row * width, (row + 1) * width);
  }
}

function moments(
  parts: readonly FitRows[],
  width: number,
): { n: number; mean: Float64Array; deviation: Float64Array } {
  const mean = new Float64Array(width);
  const squares = new Float64Array(width);
  let n = 0;
  for (const row of eachRow(parts)) {
    n++;
    for (let i = 0; i < width; i++) {
      const delta = row[i]! - mean[i]!;
      mean[i]! += delta / n;
      squares[i]! += delta * (row[i]! - mean[i]!); // Welford's update
    }
  }
  const deviation = squares.map((sum, i) => {
    const value = Math.sqrt(sum / Math.max(1, n));
    return value > CONSTANT * Math.max(Math.abs(mean[i]!), 1e-30) ? value : 1;
  });
  return { n, mean, deviation };
}

type Moments = ReturnType<typeof moments>;

/** Covariance of standardised rows, `[d, d]`, summed in blocks of rows over the upper triangle. */
function covariance(parts: readonly FitRows[], { n, mean, deviation }: Moments): Matrix {
  const width = mean.length;
  const sums = new Float64Array(width * width);
  const block = Array.from({ length: BLOCK }, () => new Float64Array(width));
  let filled = 0;
  const flush = (): void => {
    for (let r = filled; r < BLOCK; r++) block[r]!.fill(0);
    const [r0, r1, r2, r3, r4, r5, r6, r7] = block as [
      ...[Float64Array, Float64Array, Float64Array, Float64Array],
      ...[Float64Array, Float64Array, Float64Array, Float64Array],
    ];
    for (let i = 0; i < width; i++) {
      const [a0, a1, a2, a3] = [r0[i]!, r1[i]!, r2[i]!, r3[i]!];
      const [a4, a5, a6, a7] = [r4[i]!, r5[i]!, r6[i]!, r7[i]!];
      for (let j = i, at = i * width + i; j < width; j++, at++)
        sums[at]! +=
          a0 * r0[j]! +
          a1 * r1[j]! +
          a2 * r2[j]! +
          a3 * r3[j]! +
          (a4 * r4[j]! + a5 * r5[j]! + a6 * r6[j]! + a7 * r7[j]!);
    }
    filled = 0;
  };
  for (const row of eachRow(parts)) {
    const target = block[filled++]!;
    for (let i = 0; i < width; i++) target[i] = (row[i]! - mean[i]!) / deviation[i]!;
    if (filled === BLOCK) flush();
  }
  flush();
  const matrix = new Matrix(width, width);
  for (let i = 0; i < width; i++)
    for (let j = i; j < width; j++) {
      const value = sums[i * width + j]! / n;
      matrix.set(i, j, value);
      matrix.set(j, i, value);
    }
  return matrix;
}

interface Axes {
  /** Orthonormal rows `[k, d]`, by decreasing variance. */
  readonly axes: Float64Array;
  /** `[k]` */
  readonly variances: Float64Array;
  readonly total: number;
}

/** Eigenvalues and eigenvectors of a symmetric matrix, the largest first. */
function eigen(matrix: Matrix, count: number) {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  });
  const order = [...realEigenvalues.keys()]
    .sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]! || a - b)
    .slice(0, count);
  return {
    values: Float64Array.from(order, (column) => Math.max(0, realEigenvalues[column]!)),
    vectors: order.map((column) => eigenvectorMatrix.getColumn(column)),
  };
}

function axesOfCovariance(parts: readonly FitRows[], statistics: Moments, count: number): Axes {
  const matrix = covariance(parts, statistics);
  const { values, vectors } = eigen(matrix, count);
  return { axes: Float64Array.from(vectors.flat()), variances: values, total: matrix.trace() };
}

/** From the products of the rows with each other, `[n, n]`: for fewer rows than dimensions. */
function axesOfProducts(parts: readonly FitRows[], { n, mean, deviation }: Moments, count: number): Axes {
  const width = mean.length;
  const rows = [...eachRow(parts)].map((row) =>
    Float64Array.from(row, (value, i) => (value - mean[i]!) / deviation[i]!),
  );
  const matrix = new Matrix(n, n);
  rows.forEach((a, i) => {
    for (let j = 0; j <= i; j++) {
      const b = rows[j]!;
      let sum = 0;
      for (let k = 0; k < width; k++) sum += a[k]! * b[k]!;
      matrix.set(i, j, sum / n);
      matrix.set(j, i, sum / n);
    }
  });
  const { values, vectors } = eigen(matrix, count);
  const axes = new Float64Array(count * width);
  vectors.forEach((vector, k) => {
    const axis = axes.subarray(k * width, (k + 1) * width);
    const scale = 1 / Math.sqrt(n * Math.max(values[k]!, Number.MIN_VALUE));
    rows.forEach((row, i) => {
      for (let d = 0; d < width; d++) axis[d]! += vector[i]! * scale * row[d]!;
    });
  });
  return { axes, variances: values, total: matrix.trace() };
}

/**
 * Fits `components` principal components.
 * @throws MienError `data` for fewer than two rows, `config` for more components than dimensions
 */
export function fitPca(parts: readonly FitRows[], components: number): Pca {
  const width = parts[0]?.embeddings.shape[1] ?? 0;
  const statistics = moments(parts, width);
  if (statistics.n < 2)
    throw new MienError('data', `principal components need training rows, got ${statistics.n}`);
  if (components > width)
    throw new MienError('config', `${components} components requested of embeddings of width ${width}`, {
      field: 'components',
    });
  // Both matrices have the same eigenvalues apart from zeros, and the smaller one is much faster to decompose.
  const { axes, variances, total } =
    components < statistics.n && statistics.n < width
      ? axesOfProducts(parts, statistics, components)
      : axesOfCovariance(parts, statistics, components);
  for (let k = 0; k < components; k++) {
    const axis = axes.subarray(k * width, (k + 1) * width);
    const largest = axis.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
    if (largest < 0) axis.forEach((value, i) => (axis[i] = -value));
  }
  return {
    mean: statistics.mean,
    deviation: statistics.deviation,
    components: axes,
    variances,
    total,
    kept: variances.reduce((sum, value) => sum + value, 0) / total,
  };
}

/** Coordinates `[n, k]` of embeddings `[n, d]` along the components. */
export function project(pca: Pca, embeddings: Tensor<'float32'>): Tensor<'float32'> {
  const [n = 0, width = 0] = embeddings.shape;
  const k = pca.variances.length;
  const coordinates = new Float32Array(n * k);
  const rows = Array.from({ length: 4 }, () => new Float64Array(width));
  const [x0, x1, x2, x3] = rows as [Float64Array, Float64Array, Float64Array, Float64Array];
  for (let start = 0; start < n; start += 4) {
    const count = Math.min(4, n - start);
    for (let r = 0; r < 4; r++)
      for (let i = 0; i < width; i++)
        rows[r]![i] =
          r < count ? (embeddings.data[(start + r) * width + i]! - pca.mean[i]!) / pca.deviation[i]! : 0;
    for (let c = 0; c < k; c++) {
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      for (let i = 0, at = c * width; i < width; i++, at++) {
        const weight = pca.components[at]!;
        s0 += weight * x0[i]!;
        s1 += weight * x1[i]!;
        s2 += weight * x2[i]!;
        s3 += weight * x3[i]!;
      }
      const sums = [s0, s1, s2, s3];
      for (let r = 0; r < count; r++) coordinates[(start + r) * k + c] = sums[r]!;
    }
  }
  return float32([n, k], coordinates);
}

/** The largest power of two that divides `width`: the size of the Hadamard transform. */
const blockSize = (width: number): number => width & -width;

/** Components assigned to blocks in turns, back and forth, so that all blocks have about the same variance. */
function dealt(width: number, size: number): number[] {
  const blocks = width / size;
  return Array.from({ length: width }, (_, at) => {
    const [block, turn] = [Math.floor(at / size), at % size];
    return turn * blocks + (turn % 2 === 0 ? block : blocks - 1 - block);
  });
}

/**
 * An orthogonal transform `[n, k]` → `[n, k]` of coordinates sorted by decreasing variance: Hadamard transforms of
 * blocks, whose size is the largest power of two that divides k. All dimensions of a block then have equal variance if
 * the coordinates are uncorrelated. For odd k nothing is mixed.
 *
 * Experiments standardise every dimension. Applied to principal components, this would whiten them: the last component,
 * mostly noise, would weigh as much as the first, which costs a probe on ISEAR a percentage point (docs/features.md).
 * After the transform, every dimension contains the same share of all components, so that standardising scales all of
 * them alike and a head sees the geometry of the full embeddings.
 */
export function mixComponents(values: Tensor<'float32'>): Tensor<'float32'> {
  const [n = 0, width = 0] = values.shape;
  const size = blockSize(width);
  const order = Int32Array.from(dealt(width, size));
  const scale = 1 / Math.sqrt(size);
  const mixed = new Float32Array(n * width);
  const row = new Float64Array(width);
  for (let i = 0; i < n; i++) {
    for (let j = 0, at = i * width; j < width; j++) row[j] = values.data[at + order[j]!]! * scale;
    let half = 1;
    // Two halvings at once, with the same sums: half the passes over the row.
    for (; 4 * half <= size; half *= 4)
      for (let start = 0; start < width; start += 4 * half)
        for (let j = start, end = start + half; j < end; j++) {
          const [a, b, c, d] = [row[j]!, row[j + half]!, row[j + 2 * half]!, row[j + 3 * half]!];
          row[j] = a + b + (c + d);
          row[j + half] = a - b + (c - d);
          row[j + 2 * half] = a + b - (c + d);
          row[j + 3 * half] = a - b - (c - d);
        }
    if (half < size)
      for (let start = 0; start < width; start += 2 * half)
        for (let j = start, end = start + half; j < end; j++) {
          const [a, b] = [row[j]!, row[j + half]!];
          row[j] = a + b;
          row[j + half] = a - b;
        }
    mixed.set(row, i * width);
  }
  return float32(values.shape, mixed);
}
