// Operators that move elements without computing: reshape, transpose, expand, concatenate, split, slice, pad.
import { MienError } from '../../base/errors.js';
import { float32, int64, sizeOf, zeros } from '../../base/tensor.js';
import {
  apply,
  constant,
  formatShape,
  operator,
  staticShape,
  type Dim,
  type Operator,
  type Shape,
  type Unary,
  type Value,
  type Variadic,
} from '../graph.js';
import { axisOf, broadcastShapes, dimOf, expectDType, sameShape, sizeAlong, sumOfDims } from '../shapes.js';
import { add } from './elementwise.js';

const Reshape = operator<Unary, { readonly shape: Shape }>({
  name: 'Reshape',
  infer: ([x], { shape }) => {
    const symbols = (s: Shape) =>
      s
        .filter((dim) => typeof dim === 'string')
        .sort()
        .join();
    const count = (s: Shape) => sizeOf(s.filter((dim) => typeof dim === 'number'));
    if (symbols(shape) !== symbols(x.shape) || count(shape) !== count(x.shape))
      throw new Error(`${formatShape(x.shape)} does not have the elements of ${formatShape(shape)}`);
    return [{ dtype: x.dtype, shape }];
  },
  lower: (inputs, { shape }) => {
    // A single size known only at run time is inferred by ONNX (−1): no need to look it up.
    const symbols = shape.filter((dim) => typeof dim === 'string').length;
    const dims = symbols === 1 ? shape.map((dim) => (typeof dim === 'string' ? -1 : dim)) : shape;
    return { type: 'Reshape', inputs: [...inputs, { dims }] };
  },
  gradient: (dy, { inputs: [x] }) => [reshape(dy, x.shape)],
});
/** The same elements in another shape; symbolic sizes must be the same before and after. */
export const reshape = (x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : apply(Reshape, [x], { shape })[0];

interface RegroupAttributes {
  readonly leading: Shape;
  /** Number of leading axes that `leading` replaces. */
  readonly replaced: number;
}
const Regroup: Operator<Unary, RegroupAttributes, [Value]> = operator<Unary, RegroupAttributes>({
  name: 'Regroup',
  infer: ([{ dtype, shape }], { leading, replaced }) => [
    { dtype, shape: [...leading, ...shape.slice(replaced)] },
  ],
  lower: ([x], { leading, replaced }) => {
    const rest = x.shape.slice(replaced);
    return {
      type: 'Reshape',
      inputs: [x, { dims: leading.length === 1 ? [-1, ...rest] : [...leading, ...rest] }],
    };
  },
  gradient: (dy, { inputs: [x], attributes: { leading, replaced } }) =>
    apply(Regroup, [dy], { leading: x.shape.slice(0, replaced), replaced: leading.length }),
});
/** Merges two leading axes into one whose size gets a name: `[a, b, ...rest]` → `[name, ...rest]`. */
export const mergeLeading = (x: Value, name: string): Value =>
  apply(Regroup, [x], { leading: [name], replaced: 2 })[0];
/** Splits the leading axis in two: `[a·b, ...rest]` → `[a, b, ...rest]`. */
export const splitLeading = (x: Value, a: Dim, b: Dim): Value =>
  apply(Regroup, [x], { leading: [a, b], replaced: 1 })[0];

/** Merges all leading axes: `[a, b, c]` → `[a·b, c]`. */
export const flattenLeading = (x: Value): Value =>
  reshape(x, [sizeOf(staticShape(x.shape.slice(0, -1))), sizeAlong(x, -1)]);

const Transpose = operator<Unary, { readonly order: readonly number[] }>({
  name: 'Transpose',
  infer: ([x], { order }) => {
    if ([...order].sort((a, b) => a - b).some((axis, i) => axis !== i) || order.length !== x.shape.length)
      throw new Error(
        `order [${order.join(', ')}] is not a permutation of the axes of ${formatShape(x.shape)}`,
      );
    return [{ dtype: x.dtype, shape: order.map((axis) => dimOf(x, axis)) }];
  },
  lower: (inputs, { order }) => ({ type: 'Transpose', inputs, attributes: { perm: order } }),
  gradient: (dy, { attributes: { order } }) => [
    transpose(
      dy,
      order.map((_, i) => order.indexOf(i)),
    ),
  ],
});
/** Permutes the axes; by default the last two are swapped. */
export function transpose(x: Value, order?: readonly number[]): Value {
  const rank = x.shape.length;
  const swapped = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
  return apply(Transpose, [x], { order: order ?? swapped })[0];
}

const Expand = operator<Unary, { readonly shape: Shape }>({
  name: 'Expand',
  infer: ([x], { shape }) => {
    if (!sameShape(broadcastShapes(x.shape, shape), shape))
      throw new Error(`${formatShape(x.shape)} does not broadcast to ${formatShape(shape)}`);
    return [{ dtype: x.dtype, shape }];
  },
  lower: (inputs, { shape }) => ({ type: 'Expand', inputs: [...inputs, { dims: shape }] }),
  gradient: (dy) => [dy],
});
/** Broadcasts to `shape`: repeats along axes of size 1 and new leading axes. */
export const expand = (x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : apply(Expand, [x], { shape })[0];

const Concat = operator<Variadic, { readonly axis: number }>({
  name: 'Concat',
  infer: (parts, { axis }) => {
    const [{ dtype, shape }] = parts;
    for (const part of parts) {
      if (part.dtype !== dtype) throw new Error(`parts differ in dtype: ${dtype} and ${part.dtype}`);
      if (part.shape.length !== shape.length || !sameShape(part.shape.with(axis, 0), shape.with(axis, 0)))
        throw new Error(`parts differ outside axis ${axis}`);
    }
    return [{ dtype, shape: shape.with(axis, sumOfDims(parts.map((part) => dimOf(part, axis)))) }];
  },
  lower: (inputs, { axis }) => ({ type: 'Concat', inputs, attributes: { axis } }),
  gradient: (dy, { inputs, attributes: { axis } }) =>
    split(
      dy,
      inputs.map((part) => sizeAlong(part, axis)),
      axis,
    ) as [Value, ...Value[]],
});
/**
 * Concatenates parts along an axis. Sizes along it may be known only at run time: those of `past` and `tokens` add up to
 * `past+tokens`. The gradient needs them. @throws MienError `shape` if there are no parts.
 */
export function concat(parts: readonly Value[], axis: number): Value {
  const [first, ...others] = parts;
  if (first === undefined) throw new MienError('shape', 'Concat needs at least one input');
  if (others.length === 0) return first;
  return apply(Concat, [first, ...others], { axis: axisOf('Concat', first, axis) })[0];
}

interface SplitAttributes {
  readonly sizes: readonly number[];
  readonly axis: number;
}
const Split = operator<Unary, SplitAttributes, Value[]>({
  name: 'Split',
  infer: ([{ dtype, shape }], { sizes, axis }) => {
    if (sizes.some((length) => length < 0) || shape[axis] !== sizes.reduce((a, b) => a + b, 0))
      throw new Error(`sizes [${sizes.join(', ')}] do not add up to ${shape[axis]} along axis ${axis}`);
    return sizes.map((length) => ({ dtype, shape: shape.with(axis, length) }));
  },
  lower: (inputs, { sizes, axis }) => ({
    type: 'Split',
    inputs: [...inputs, int64([sizes.length], sizes)],
    attributes: { axis },
  }),
  gradient: (_dy, { outputs, attributes: { axis } }, dys) => [
    concat(
      outputs.map(
        (output, i) => dys[i] ?? constant(output.graph, zeros('float32', staticShape(output.shape))),
      ),
      axis,
    ),
  ],
});
/** Consecutive parts of these sizes. */
export const split = (x: Value, sizes: readonly number[], axis: number): Value[] =>
  sizes.length === 1 && x.shape.at(axis) === sizes[0]
    ? [x]
    : apply(Split, [x], { sizes, axis: axisOf('Split', x, axis) });

interface SliceAttributes {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}
const Slice = operator<Unary, SliceAttributes>({
  name: 'Slice',
  infer: ([x], { axis, start, end, step }) => {
    const length = dimOf(x, axis);
    if (start < 0 || end <= start || step < 1 || (typeof length === 'number' && end > length))
      throw new Error(
        `cannot take ${start} to ${end} by ${step} along axis ${axis} of ${formatShape(x.shape)}`,
      );
    return [{ dtype: x.dtype, shape: x.shape.with(axis, Math.ceil((end - start) / step)) }];
  },
  lower: (inputs, { axis, start, end, step }) => ({
    type: 'Slice',
    inputs: [...inputs, ...[start, end, axis, step].map((n) => int64([1], [n]))],
  }),
  gradient: (dy, { inputs: [x], attributes: { axis, start, end, step } }) => {
    const spaced = step === 1 ? dy : insertZeros(dy, axis, step, end - start);
    return [pad(spaced, axis, start, sizeAlong(x, axis) - start - sizeAlong(spaced, axis))];
  },
});
/** Elements `start`, `start + step`, … before `end` along one axis. */
export function slice(x: Value, axis: number, start: number, end: number, step = 1): Value {
  const resolved = axisOf('Slice', x, axis);
  if (start === 0 && end === x.shape[resolved] && step === 1) return x;
  return apply(Slice, [x], { axis: resolved, start, end, step })[0];
}

/** Inserts `step` − 1 zeros after each element: `[.., n, ..]` → `[.., n·step, ..]`, cut at `limit`. */
function insertZeros(x: Value, axis: number, step: number, limit: number): Value {
  const apart = pad(reshape(x, x.shape.toSpliced(axis + 1, 0, 1)), axis + 1, 0, step - 1);
  const wide = reshape(apart, x.shape.with(axis, sizeAlong(x, axis) * step));
  return sizeAlong(wide, axis) > limit ? slice(wide, axis, 0, limit) : wide;
}

const FirstRows = operator<Unary, { readonly count: Dim }>({
  name: 'FirstRows',
  infer: ([table], { count }) => {
    const rows = dimOf(table, 0);
    if (typeof count === 'number' && typeof rows === 'number' && count > rows)
      throw new Error(`${formatShape(table.shape)} does not have ${count} rows`);
    return [{ dtype: table.dtype, shape: table.shape.with(0, count) }];
  },
  lower: ([table], { count }) => ({
    type: 'Slice',
    inputs: [table, int64([1], [0]), { dims: [count] }, int64([1], [0])],
  }),
  gradient: (dy, { inputs: [table], attributes: { count } }) => {
    const [rows, taken] = staticShape([dimOf(table, 0), count]);
    return [pad(dy, 0, 0, rows - taken)];
  },
});
/** The first `count` rows of a table; `count` may be the name of a size, such as `tokens`. */
export const firstRows = (table: Value, count: Dim): Value =>
  table.shape[0] === count ? table : apply(FirstRows, [table], { count })[0];

interface PadAttributes {
  readonly axis: number;
  readonly before: number;
  readonly after: number;
}
const Pad = operator<Unary, PadAttributes>({
  name: 'Pad',
  infer: ([x], { axis, before, after }) => {
    expectDType(x, 'float32');
    if (before < 0 || after < 0)
      throw new Error(`cannot pad by ${before} and ${after}; use slice to remove elements`);
    return [{ dtype: x.dtype, shape: x.shape.with(axis, sizeAlong(x, axis) + before + after) }];
  },
  lower: (inputs, { axis, before, after }) => ({
    type: 'Pad',
    inputs: [...inputs, int64([2], [before, after]), float32([], [0]), int64([1], [axis])],
  }),
  gradient: (dy, { inputs: [x], attributes: { axis, before } }) => [
    slice(dy, axis, before, before + sizeAlong(x, axis)),
  ],
});
/** Adds zeros before and after, along one axis. */
export const pad = (x: Value, axis: number, before: number, after: number): Value =>
  before === 0 && after === 0 ? x : apply(Pad, [x], { axis: axisOf('Pad', x, axis), before, after })[0];

const ReflectPad = operator<Unary, PadAttributes>({
  name: 'ReflectPad',
  infer: ([x], { axis, before, after }) => {
    expectDType(x, 'float32');
    const length = dimOf(x, axis);
    if (before < 0 || after < 0 || (typeof length === 'number' && Math.max(before, after) >= length))
      throw new Error(`cannot reflect ${before} and ${after} elements of ${length}`);
    const padded = before + after;
    return [
      {
        dtype: x.dtype,
        shape: x.shape.with(axis, typeof length === 'number' ? length + padded : `${length}+${padded}`),
      },
    ];
  },
  lower: (inputs, { axis, before, after }) => ({
    type: 'Pad',
    inputs: [...inputs, int64([2], [before, after]), undefined, int64([1], [axis])],
    attributes: { mode: 'reflect' },
  }),
  gradient: (dy, { inputs: [x], attributes: { axis, before, after } }) => {
    const length = sizeAlong(x, axis);
    const parts = [slice(dy, axis, before, before + length)];
    // What was reflected at an end adds to the elements next to the one at the end, in reverse.
    if (before > 0) {
      const start = reversed(slice(dy, axis, 0, before), axis);
      parts.push(pad(start, axis, 1, length - 1 - before));
    }
    if (after > 0) {
      const end = reversed(slice(dy, axis, before + length, before + length + after), axis);
      parts.push(pad(end, axis, length - 1 - after, 1));
    }
    return [parts.reduce((a, b) => add(a, b))];
  },
});
/**
 * Adds elements before and after along one axis, mirrored at the outermost ones, which are not repeated (NumPy's
 * `reflect`). The size along the axis may be known only at run time; the gradient needs it.
 */
export const reflectPad = (x: Value, axis: number, before: number, after: number): Value =>
  before === 0 && after === 0
    ? x
    : apply(ReflectPad, [x], { axis: axisOf('ReflectPad', x, axis), before, after })[0];

const Reverse = operator<Unary, { readonly axis: number }>({
  name: 'Reverse',
  infer: ([{ dtype, shape }]) => [{ dtype, shape }],
  // From the last element to beyond the first.
  lower: (inputs, { axis }) => ({
    type: 'Slice',
    inputs: [...inputs, ...[-1, Number.MIN_SAFE_INTEGER, axis, -1].map((n) => int64([1], [n]))],
  }),
  gradient: (dy, { attributes: { axis } }) => [reversed(dy, axis)],
});
/** The elements in reverse order along one axis. */
export const reversed = (x: Value, axis: number): Value =>
  apply(Reverse, [x], { axis: axisOf('Reverse', x, axis) })[0];
