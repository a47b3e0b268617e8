// Arithmetic on shapes: broadcasting, axes, and equality of sizes that may be symbolic.
import { formatShape, shapeError, type Dim, type Shape, type Value } from './builder.js';

/**
 * The shape two operands broadcast to, by ONNX's (NumPy's) rule.
 * @throws Error when they do not.
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

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((dim, i) => dim === b[i]);

/** An axis counted from the front. @throws Error when the rank has no such axis. */
export function resolveAxis(axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= rank)
    throw new Error(`axis ${axis} does not exist in rank ${rank}`);
  return resolved;
}

/**
 * An axis of an operator's input, counted from the front.
 * @throws MienError `shape` that names the operator, its place and the shape when there is no such axis.
 */
export function axisOf(operator: string, x: Value, axis: number): number {
  try {
    return resolveAxis(axis, x.shape.length);
  } catch (cause) {
    throw shapeError(operator, [x], cause);
  }
}

/** Several axes as `axisOf` gives them, in order, each once. */
export const axesOf = (operator: string, x: Value, axes: readonly number[]): number[] =>
  [...new Set(axes.map((axis) => axisOf(operator, x, axis)))].sort((a, b) => a - b);

/** Axes of `full` along which `shape` was repeated to reach it. */
export function broadcastAxes(shape: Shape, full: Shape): number[] {
  const offset = full.length - shape.length;
  return full.flatMap((dim, i) => (i < offset || (shape[i - offset] === 1 && dim !== 1) ? [i] : []));
}

/** @throws Error when the value is not of one of these dtypes. */
export function expectDType(value: Value, ...dtypes: Value['dtype'][]): void {
  if (!dtypes.includes(value.dtype)) throw new Error(`expects ${dtypes.join(' or ')}, got ${value.dtype}`);
}

/** @throws Error when the rank differs. */
export function expectRank(value: Value, rank: number): void {
  if (value.shape.length !== rank) throw new Error(`expects rank ${rank}, got ${formatShape(value.shape)}`);
}
