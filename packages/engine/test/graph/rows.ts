// A row of the tables of operators, and rows that many operators share.
import type { Value } from '../../src/graph/graph.js';
import type { Draw, InputSpec, Kind } from './harness.js';
import { reduce, total, zip, type NdArray } from './reference.js';

/** One case: inputs, the operator applied to them, and the expected results. */
export interface Sample {
  readonly inputs: readonly InputSpec[];
  readonly build: (...values: Value[]) => Value | readonly Value[];
  readonly reference: (...arrays: NdArray[]) => NdArray | readonly NdArray[];
  /** Tolerance of the gradient, relative to the larger of its largest element and 1; 1e-4 by default. */
  readonly tolerance?: number;
}
export type Row = (draw: Draw) => Sample;

type Unary = (x: Value) => Value;
type Binary = (a: Value, b: Value) => Value;

export const unary =
  (build: Unary, f: (x: number) => number, kind: Kind = 'any'): Row =>
  (draw) => ({ inputs: [{ shape: draw.shape(0, 3), kind }], build, reference: (x) => zip(f, x) });

export const binary =
  (build: Binary, f: (a: number, b: number) => number, left: Kind = 'any', right: Kind = left): Row =>
  (draw) => {
    const full = draw.shape(0, 3);
    return {
      inputs: [left, right].map((kind) => ({ shape: draw.part(full), kind })),
      build,
      reference: (a, b) => zip(f, a, b),
    };
  };

export const reducing =
  (
    build: (x: Value, axes?: readonly number[], keepDims?: boolean) => Value,
    fold: (elements: readonly number[]) => number,
    kind: Kind = 'any',
  ): Row =>
  (draw) => {
    const shape = draw.shape(0, 3);
    const axes = shape.map((_, axis) => axis).filter(() => draw.boolean());
    const keepDims = draw.boolean();
    const fromEnd = axes.map((axis) => (draw.boolean() ? axis : axis - shape.length));
    return {
      inputs: [{ shape, kind }],
      build: (x) =>
        axes.length === shape.length ? build(x, undefined, keepDims) : build(x, fromEnd, keepDims),
      reference: (x) => reduce(x, axes, keepDims, fold),
    };
  };

export const normalising =
  (build: (x: Value, axis?: number) => Value, f: (share: number) => number): Row =>
  (draw) => {
    const shape = draw.shape(1, 3);
    const axis = draw.integer(0, shape.length - 1);
    return {
      inputs: [{ shape, kind: 'any' }],
      build: (x) => (axis === shape.length - 1 ? build(x) : build(x, axis)),
      reference: (x) => {
        const sums = reduce(zip(Math.exp, x), [axis], true, total);
        return zip((element, sum) => f(Math.exp(element) / sum), x, sums);
      },
    };
  };
