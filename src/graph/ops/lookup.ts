// Operators that find elements by integer index: gather, scatter, one-hot rows.
import { float32, int64, zeros } from '../../base/tensor.js';
import { apply, formatShape, staticShape, type Value } from '../builder.js';
import { operator } from '../operator.js';
import { expectDType, resolveAxis, sameShape } from '../shapes.js';
import { reshape } from './movement.js';

const Gather = operator<{ axis: number }>({
  name: 'Gather',
  infer: ([table, indices], { axis }) => {
    expectDType(indices!, 'int64', 'int32');
    return [{ dtype: table!.dtype, shape: table!.shape.toSpliced(axis, 1, ...indices!.shape) }];
  },
  lower: (inputs, { axis }) => ({ type: 'Gather', inputs, attributes: { axis } }),
  gradient: (dy, { inputs: [table, indices], attributes: { axis } }) => {
    if (axis !== 0) throw new Error('the gradient of Gather is defined along axis 0 only');
    return [scatterAdd(dy, indices!, staticShape(table!.shape)), undefined];
  },
});
/** Rows of `table` along `axis`, by integer indices of any shape. */
export const gather = (table: Value, indices: Value, axis = 0): Value =>
  apply(Gather, [table, indices], { axis: resolveAxis(axis, table.shape.length) })[0]!;

const ScatterAdd = operator<{ shape: readonly number[] }>({
  name: 'ScatterAdd',
  infer: ([updates, indices], { shape }) => {
    expectDType(indices!, 'int64');
    if (!sameShape(updates!.shape, [...indices!.shape.slice(0, -1), ...shape.slice(1)]))
      throw new Error(`updates do not fit rows of ${formatShape(shape)}`);
    return [{ dtype: updates!.dtype, shape }];
  },
  lower: ([updates, indices], { shape }) => ({
    type: 'ScatterND',
    inputs: [zeros('float32', shape), indices, updates],
    attributes: { reduction: 'add' },
  }),
  gradient: (dy, { inputs: [, indices] }) => [
    gather(dy, reshape(indices!, indices!.shape.slice(0, -1))),
    undefined,
  ],
});
/** A tensor of `shape`, zero but for `updates` added into the rows that `indices` (int64) name. */
export const scatterAdd = (updates: Value, indices: Value, shape: readonly number[]): Value =>
  apply(ScatterAdd, [updates, reshape(indices, [...indices.shape, 1])], { shape })[0]!;

const OneHot = operator<{ depth: number }>({
  name: 'OneHot',
  infer: ([indices], { depth }) => {
    expectDType(indices!, 'int64', 'int32');
    return [{ dtype: 'float32', shape: [...indices!.shape, depth] }];
  },
  lower: (inputs, { depth }) => ({
    type: 'OneHot',
    inputs: [...inputs, int64([1], [depth]), float32([2], [0, 1])],
    attributes: { axis: -1 },
  }),
});
/** A row of zeros with a one at each index: `[...]` → `[..., depth]`, float32. */
export const oneHot = (indices: Value, depth: number): Value => apply(OneHot, [indices], { depth })[0]!;
