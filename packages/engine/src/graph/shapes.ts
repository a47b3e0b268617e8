// Arithmetic on shapes: broadcasting, axes, ranks, and equality of sizes that may be symbolic.
import { MienError } from '../base/errors.js';
import { formatShape, shapeError, staticShape, type Dim, type Shape, type Value } from './graph.js';

/**
 * The shape two operands broadcast to, by ONNX's (NumPy's) rule.
 * @throws Error if they do not broadcast.
 */
export function broadcastShapes(a: Shape, b: Shape): Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw new Error(`${formatShape(a)} and ${formatShape(b)} do not broadcast`);
  });
}

/** Axes of `full` along which `shape` is repeated when it is broadcast to it. */
export function broadcastAxes(shape: Shape, full: Shape): number[] {
  const offset = full.length - shape.length;
  return full.flatMap((dim, i) => (i < offset || (shape[i - offset] === 1 && dim !== 1) ? [i] : []));
}

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((dim, i) => dim === b[i]);

/** An axis counted from the front. @throws Error if there is no such axis. */
export function resolveAxis(axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= rank)
    throw new Error(`axis ${axis} does not exist in rank ${rank}`);
  return resolved;
}

/**
 * An axis of an operator's input, counted from the front.
 * @throws MienError `shape` that names the operator, its place and the shape if there is no such axis.
 */
export function axisOf(operator: string, x: Value, axis: number): number {
  try {
    return resolveAxis(axis, x.shape.length);
  } catch (cause) {
    throw shapeError(operator, [x], cause);
  }
}

/** Axes of an operator's input, counted from the front, sorted and without duplicates. @throws As `axisOf`. */
export const axesOf = (operator: string, x: Value, axes: readonly number[]): number[] =>
  [...new Set(axes.map((axis) => axisOf(operator, x, axis)))].sort((a, b) => a - b);

/** The size along an axis, negative ones counted from the end. @throws MienError `shape` if there is no such axis. */
export function dimOf({ shape }: Value, axis: number): Dim {
  const dim = shape.at(axis);
  if (dim === undefined) throw new MienError('shape', `axis ${axis} does not exist in ${formatShape(shape)}`);
  return dim;
}

/** As `dimOf`, as a number. @throws MienError `shape` if there is no such axis or its size is known only at run time. */
export const sizeAlong = (x: Value, axis: number): number => staticShape([dimOf(x, axis)])[0];

type Tuple<T, Length extends number, Items extends T[] = []> = Items['length'] extends Length
  ? Items
  : Tuple<T, Length, [...Items, T]>;

/** The shape of a value of this rank. @throws MienError `shape` if it has another rank. */
export function dimsOf<Rank extends number>({ shape }: Value, rank: Rank): Tuple<Dim, Rank> {
  if (shape.length !== rank) throw new MienError('shape', `expects rank ${rank}, got ${formatShape(shape)}`);
  return [...shape] as Tuple<Dim, Rank>;
}

/** As `dimsOf`, as numbers. @throws MienError `shape` if the rank differs or a size is known only at run time. */
export const sizesOf = <Rank extends number>(x: Value, rank: Rank): Tuple<number, Rank> =>
  staticShape(dimsOf(x, rank)) as Tuple<number, Rank>;

/** Positions of a kernel along an axis of this length, padding included. */
export const kernelPositions = (length: number, kernel: number, stride: number): number =>
  Math.floor((length - kernel) / stride) + 1;

/**
 * Positions of a kernel along an axis that may be known only at run time: the same size where the padding makes up for
 * the kernel, else a size named after the expression, such as `(samples-160)//160+1`.
 */
export function dimPositions(dim: Dim, padding: number, kernel: number, stride: number): Dim {
  if (typeof dim === 'number') return kernelPositions(dim + padding, kernel, stride);
  if (stride === 1 && padding === kernel - 1) return dim;
  const room = padding - kernel;
  return `(${dim}${room < 0 ? '' : '+'}${room})//${stride}+1`;
}

/** The sum of sizes, as a number or, if one is known only at run time, named after the expression: `past+tokens`. */
export const sumOfDims = (dims: readonly Dim[]): Dim =>
  dims.every((dim) => typeof dim === 'number') ? dims.reduce((a, b) => a + b, 0) : dims.join('+');

/** @throws Error if the value's dtype is not one of these. */
export function expectDType(value: Value, ...dtypes: Value['dtype'][]): void {
  if (!dtypes.includes(value.dtype)) throw new Error(`expects ${dtypes.join(' or ')}, got ${value.dtype}`);
}
