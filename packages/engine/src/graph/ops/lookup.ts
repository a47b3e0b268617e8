// Operators that address elements by integer index: gather, scatter, one-hot.
import { float32, int64, sizeOf } from '../../base/tensor.js';
import {
  apply,
  formatShape,
  innermost,
  NONE,
  operator,
  scalar,
  shapeError,
  staticShape,
  type Binary,
  type Ternary,
  type Unary,
  type Value,
} from '../graph.js';
import { axisOf, dimOf, dimsOf, expectDType, sameShape } from '../shapes.js';
import { cast } from './elementwise.js';
import { expand, reshape, slice } from './movement.js';

const Gather = operator<Binary, { readonly axis: number }>({
  name: 'Gather',
  infer: ([table, indices], { axis }) => {
    expectDType(indices, 'int64', 'int32');
    return [{ dtype: table.dtype, shape: table.shape.toSpliced(axis, 1, ...indices.shape) }];
  },
  lower: (inputs, { axis }) => ({ type: 'Gather', inputs, attributes: { axis } }),
  gradient: (dy, { inputs: [table, indices], attributes: { axis } }) => {
    if (axis !== 0) throw new Error('the gradient of Gather is defined along axis 0 only');
    return [scatterAdd(dy, cast(indices, 'int64'), staticShape(table.shape)), undefined];
  },
});
/** Rows of `table` along `axis`, by integer indices of any shape. */
export const gather = (table: Value, indices: Value, axis = 0): Value =>
  apply(Gather, [table, indices], { axis: axisOf('Gather', table, axis) })[0];

/**
 * Written as ScatterElements, which adds element by element. ScatterND would add whole rows, but ONNX Runtime runs its
 * additions in several threads without locking and loses some of those to the same row.
 */
const ScatterAdd = operator<Ternary>({
  name: 'ScatterAdd',
  infer: ([table, rows, updates]) => {
    expectDType(rows, 'int64');
    expectDType(updates, table.dtype);
    if (!sameShape(updates.shape, rows.shape))
      throw new Error(`updates ${formatShape(updates.shape)} need as many rows`);
    return [{ dtype: table.dtype, shape: table.shape }];
  },
  lower: (inputs) => ({ type: 'ScatterElements', inputs, attributes: { axis: 0, reduction: 'add' } }),
  gradient: (dy, { inputs: [, rows] }) => {
    const [count] = dimsOf(rows, 2);
    return [dy, undefined, gather(dy, reshape(slice(rows, 1, 0, 1), [count]))];
  },
});
/**
 * A tensor of `shape`, zero except for `updates` added to the rows given by `indices` (int64):
 * `[...indices, ...row]` → `[rows, ...row]`.
 */
export function scatterAdd(updates: Value, indices: Value, shape: readonly number[]): Value {
  const [height, ...row] = shape;
  if (height === undefined || !sameShape(updates.shape, [...indices.shape, ...row]))
    throw shapeError('ScatterAdd', [updates, indices], `updates do not fit rows of ${formatShape(shape)}`);
  const width = sizeOf(row);
  const count = indices.shape.length === 1 ? dimOf(indices, 0) : sizeOf(staticShape(indices.shape));
  const zeros = expand(scalar(innermost([updates, indices]), 0, updates.dtype), [height, width]);
  const rows = expand(reshape(indices, [count, 1]), [count, width]);
  const sums = apply(ScatterAdd, [zeros, rows, reshape(updates, [count, width])], NONE)[0];
  return reshape(sums, shape);
}

const OneHot = operator<Unary, { readonly depth: number }>({
  name: 'OneHot',
  infer: ([indices], { depth }) => {
    expectDType(indices, 'int64');
    if (indices.shape.length === 0) throw new Error('expects indices of rank 1 or more');
    return [{ dtype: 'float32', shape: [...indices.shape, depth] }];
  },
  lower: (inputs, { depth }) => ({
    type: 'OneHot',
    inputs: [...inputs, int64([1], [depth]), float32([2], [0, 1])],
    attributes: { axis: -1 },
  }),
});
/** A row of zeros with a one at each index (int64 or int32): `[..., n]` → `[..., n, depth]`, float32. */
export const oneHot = (indices: Value, depth: number): Value =>
  // ONNX Runtime has no kernel for int32.
  apply(OneHot, [indices.dtype === 'int32' ? cast(indices, 'int64') : indices], { depth })[0];
