// Operators that move elements without computing: reshape, transpose, expand, concatenate, split, slice, pad.
import { float32, int64, sizeOf, zeros } from '../../base/tensor.js';
import { apply, constant, formatShape, staticShape, type Dim, type Shape, type Value } from '../builder.js';
import { operator, type Operator } from '../operator.js';
import { axisOf, broadcastShapes, expectDType, sameShape } from '../shapes.js';

const size = (x: Value, axis: number): number => staticShape([x.shape[axis]!])[0]!;

const Reshape = operator<{ shape: Shape }>({
  name: 'Reshape',
  infer: ([x], { shape }) => {
    const symbols = (s: Shape) =>
      s
        .filter((dim) => typeof dim === 'string')
        .sort()
        .join();
    const count = (s: Shape) => sizeOf(s.filter((dim) => typeof dim === 'number'));
    if (symbols(shape) !== symbols(x!.shape) || count(shape) !== count(x!.shape))
      throw new Error(`${formatShape(x!.shape)} does not have the elements of ${formatShape(shape)}`);
    return [{ dtype: x!.dtype, shape }];
  },
  lower: (inputs, { shape }) => {
    // One size known only at run time is what remains; no need to look it up.
    const symbols = shape.filter((dim) => typeof dim === 'string').length;
    const dims = symbols === 1 ? shape.map((dim) => (typeof dim === 'string' ? -1 : dim)) : shape;
    return { type: 'Reshape', inputs: [...inputs, { dims }] };
  },
  gradient: (dy, { inputs: [x] }) => [reshape(dy, x!.shape)],
});
/** The same elements in another shape; symbolic sizes must be the same before and after. */
export const reshape = (x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : apply(Reshape, [x], { shape })[0]!;

const Regroup: Operator<{ leading: Shape; taken: number }> = operator({
  name: 'Regroup',
  infer: ([x], { leading, taken }) => [{ dtype: x!.dtype, shape: [...leading, ...x!.shape.slice(taken)] }],
  lower: ([x], { leading, taken }) => {
    const rest = x!.shape.slice(taken);
    return {
      type: 'Reshape',
      inputs: [x, { dims: leading.length === 1 ? [-1, ...rest] : [...leading, ...rest] }],
    };
  },
  gradient: (dy, { inputs: [x], attributes: { leading, taken } }) => [
    apply(Regroup, [dy], { leading: x!.shape.slice(0, taken), taken: leading.length })[0],
  ],
});
/** Two leading axes in one, whose size gets a name: `[a, b, ...rest]` → `[name, ...rest]`. */
export const mergeLeading = (x: Value, name: string): Value =>
  apply(Regroup, [x], { leading: [name], taken: 2 })[0]!;
/** The leading axis in two: `[a·b, ...rest]` → `[a, b, ...rest]`. */
export const splitLeading = (x: Value, a: Dim, b: Dim): Value =>
  apply(Regroup, [x], { leading: [a, b], taken: 1 })[0]!;

/** All leading axes in one: `[a, b, c]` → `[a·b, c]`. */
export function flattenLeading(x: Value): Value {
  const dims = staticShape(x.shape);
  return reshape(x, [sizeOf(dims.slice(0, -1)), dims.at(-1)!]);
}

const Transpose = operator<{ order: readonly number[] }>({
  name: 'Transpose',
  infer: ([x], { order }) => {
    if ([...order].sort((a, b) => a - b).some((axis, i) => axis !== i) || order.length !== x!.shape.length)
      throw new Error(
        `order [${order.join(', ')}] is no permutation of the axes of ${formatShape(x!.shape)}`,
      );
    return [{ dtype: x!.dtype, shape: order.map((axis) => x!.shape[axis]!) }];
  },
  lower: (inputs, { order }) => ({ type: 'Transpose', inputs, attributes: { perm: order } }),
  gradient: (dy, { attributes: { order } }) => [
    transpose(
      dy,
      order.map((_, i) => order.indexOf(i)),
    ),
  ],
});
/** Axes in another order; the last two are exchanged by default. */
export function transpose(x: Value, order?: readonly number[]): Value {
  const rank = x.shape.length;
  const swapped = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
  return apply(Transpose, [x], { order: order ?? swapped })[0]!;
}

const Expand = operator<{ shape: Shape }>({
  name: 'Expand',
  infer: ([x], { shape }) => {
    if (!sameShape(broadcastShapes(x!.shape, shape), shape))
      throw new Error(`${formatShape(x!.shape)} does not broadcast to ${formatShape(shape)}`);
    return [{ dtype: x!.dtype, shape }];
  },
  lower: (inputs, { shape }) => ({ type: 'Expand', inputs: [...inputs, { dims: shape }] }),
  gradient: (dy) => [dy],
});
/** Repeats along axes of size 1 (and new leading axes) up to `shape`. */
export const expand = (x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : apply(Expand, [x], { shape })[0]!;

const Concat = operator<{ axis: number }>({
  name: 'Concat',
  infer: (parts, { axis }) => {
    const first = parts[0]!;
    let total = 0;
    for (const part of parts) {
      if (part.dtype !== first.dtype)
        throw new Error(`parts differ in dtype: ${first.dtype} and ${part.dtype}`);
      if (
        part.shape.length !== first.shape.length ||
        !sameShape(part.shape.with(axis, 0), first.shape.with(axis, 0))
      )
        throw new Error(`parts differ outside axis ${axis}`);
      total += size(part, axis);
    }
    return [{ dtype: first.dtype, shape: first.shape.with(axis, total) }];
  },
  lower: (inputs, { axis }) => ({ type: 'Concat', inputs, attributes: { axis } }),
  gradient: (dy, { inputs, attributes: { axis } }) =>
    split(
      dy,
      inputs.map((part) => size(part, axis)),
      axis,
    ),
});
/** Parts one after the other along an axis whose sizes are known. */
export const concat = (parts: readonly Value[], axis: number): Value =>
  parts.length === 1
    ? parts[0]!
    : apply(Concat, parts, { axis: parts[0] ? axisOf('Concat', parts[0], axis) : axis })[0]!;

const Split = operator<{ sizes: readonly number[]; axis: number }>({
  name: 'Split',
  infer: ([x], { sizes, axis }) => {
    if (sizes.some((length) => length < 0) || x!.shape[axis] !== sizes.reduce((a, b) => a + b, 0))
      throw new Error(`sizes [${sizes.join(', ')}] do not add up to ${x!.shape[axis]} along axis ${axis}`);
    return sizes.map((length) => ({ dtype: x!.dtype, shape: x!.shape.with(axis, length) }));
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
const Slice = operator<SliceAttributes>({
  name: 'Slice',
  infer: ([x], { axis, start, end, step }) => {
    const length = x!.shape[axis]!;
    if (start < 0 || end <= start || step < 1 || (typeof length === 'number' && end > length))
      throw new Error(
        `cannot take ${start} to ${end} by ${step} along axis ${axis} of ${formatShape(x!.shape)}`,
      );
    return [{ dtype: x!.dtype, shape: x!.shape.with(axis, Math.ceil((end - start) / step)) }];
  },
  lower: (inputs, { axis, start, end, step }) => ({
    type: 'Slice',
    inputs: [...inputs, ...[start, end, axis, step].map((n) => int64([1], [n]))],
  }),
  gradient: (dy, { inputs: [x], attributes: { axis, start, end, step } }) => {
    const spaced = step === 1 ? dy : spread(dy, axis, step, end - start);
    return [pad(spaced, axis, start, size(x!, axis) - start - size(spaced, axis))];
  },
});
/** Elements `start`, `start + step`, … before `end` along one axis. */
export function slice(x: Value, axis: number, start: number, end: number, step = 1): Value {
  const resolved = axisOf('Slice', x, axis);
  if (start === 0 && end === x.shape[resolved] && step === 1) return x;
  return apply(Slice, [x], { axis: resolved, start, end, step })[0]!;
}

/** Puts `step` − 1 zeros behind each element: `[.., n, ..]` → `[.., n·step, ..]`, cut at `limit`. */
function spread(x: Value, axis: number, step: number, limit: number): Value {
  const apart = pad(reshape(x, x.shape.toSpliced(axis + 1, 0, 1)), axis + 1, 0, step - 1);
  const wide = reshape(apart, x.shape.with(axis, size(x, axis) * step));
  return size(wide, axis) > limit ? slice(wide, axis, 0, limit) : wide;
}

const Pad = operator<{ axis: number; before: number; after: number }>({
  name: 'Pad',
  infer: ([x], { axis, before, after }) => {
    expectDType(x!, 'float32');
    if (before < 0 || after < 0) throw new Error(`cannot pad by ${before} and ${after}; use slice to cut`);
    return [{ dtype: x!.dtype, shape: x!.shape.with(axis, size(x!, axis) + before + after) }];
  },
  lower: (inputs, { axis, before, after }) => ({
    type: 'Pad',
    inputs: [...inputs, int64([2], [before, after]), float32([], [0]), int64([1], [axis])],
  }),
  gradient: (dy, { inputs: [x], attributes: { axis, before } }) => [
    slice(dy, axis, before, before + size(x!, axis)),
  ],
});
/** Zeros before and after, along one axis. */
export const pad = (x: Value, axis: number, before: number, after: number): Value =>
  before === 0 && after === 0 ? x : apply(Pad, [x], { axis: axisOf('Pad', x, axis), before, after })[0]!;
