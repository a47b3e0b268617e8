// The table of invalid inputs that operators refuse.
import type { DType } from '../../src/base/tensor.js';
import type { Graph, Shape, Value } from '../../src/graph/graph.js';
import { scan } from '../../src/graph/ops/control.js';
import { add, greater, mul, where } from '../../src/graph/ops/elementwise.js';
import { gemm, linearProduct, matmul } from '../../src/graph/ops/linalg.js';
import { gather, oneHot, scatterAdd } from '../../src/graph/ops/lookup.js';
import {
  concat,
  expand,
  pad,
  reflectPad,
  reshape,
  slice,
  split,
  transpose,
} from '../../src/graph/ops/movement.js';
import { layerNorm } from '../../src/graph/ops/fused.js';
import { argMax, max, mean, softmax, sum } from '../../src/graph/ops/reduction.js';

export interface Fixture {
  readonly graph: Graph;
  /** A new input of this shape, float32 by default. */
  readonly of: (shape: Shape, dtype?: DType) => Value;
}

/** The operator, what is wrong, an invalid use, and what the message must state besides operator and place. */
export const refused: readonly (readonly [string, string, (fixture: Fixture) => unknown, RegExp])[] = [
  [
    'Add',
    'sizes that do not broadcast',
    ({ of }) => add(of([2, 3]), of([4])),
    /\[2, 3\].*\[4\] do not broadcast/,
  ],
  [
    'Add',
    'symbolic sizes of different names',
    ({ of }) => add(of(['batch']), of(['tokens'])),
    /\[batch\].*\[tokens\]/,
  ],
  [
    'Mul',
    'different dtypes',
    ({ of }) => mul(of([2]), of([2], 'int64')),
    /differ in dtype: float32 and int64/,
  ],
  [
    'ReflectPad',
    'more elements than there are to reflect',
    ({ of }) => reflectPad(of([2, 3]), 1, 3, 0),
    /cannot reflect 3 and 0 elements of 3/,
  ],
  [
    'Where',
    'a condition that is not boolean',
    ({ of }) => where(of([2]), of([2]), 0),
    /expects bool, got float32/,
  ],
  [
    'Where',
    'branches that do not broadcast',
    ({ of }) => where(greater(of([2]), 0), of([3]), 1),
    /do not broadcast/,
  ],
  [
    'Where',
    'branches of different dtypes',
    ({ of }) => where(greater(of([2]), 0), of([2]), of([2], 'int64')),
    /branches differ in dtype/,
  ],
  [
    'MatMul',
    'inner sizes that differ',
    ({ of }) => matmul(of([2, 3]), of([4, 5])),
    /cannot multiply \[2, 3\] by \[4, 5\]/,
  ],
  ['MatMul', 'a vector', ({ of }) => matmul(of([2, 3]), of([3])), /rank 2 or more/],
  [
    'MatMul',
    'batches that do not broadcast',
    ({ of }) => matmul(of([2, 1, 3]), of([4, 3, 1])),
    /do not broadcast/,
  ],
  [
    'MatMul',
    'a matrix of integers',
    ({ of }) => matmul(of([2, 3]), of([3, 2], 'int64')),
    /expects float32, got int64/,
  ],
  ['Gemm', 'rank 3', ({ of }) => gemm(of([2, 3, 4]), of([4, 5])), /expects rank 2, got \[2, 3, 4\]/],
  [
    'Gemm',
    'inner sizes that differ after transposing',
    ({ of }) => gemm(of([2, 3]), of([3, 4]), { transA: true }),
    /\[2, 3\]ᵀ by \[3, 4\] /,
  ],
  [
    'Gemm',
    'an added value that does not broadcast',
    ({ of }) => gemm(of([2, 3]), of([3, 4]), { add: of([3]) }),
    /do not broadcast/,
  ],
  [
    'Gemm',
    'an added value larger than the product',
    ({ of }) => gemm(of([1, 3]), of([3, 4]), { add: of([2, 4]) }),
    /\[2, 4\] does not broadcast to \[1, 4\]/,
  ],
  [
    'Gemm',
    'a linear layer of another input width',
    ({ of }) => linearProduct(of([2, 3]), of([5, 4])),
    /\[2, 3\] by \[5, 4\]ᵀ/,
  ],
  [
    'Gather',
    'fractional indices',
    ({ of }) => gather(of([4, 2]), of([3])),
    /expects int64 or int32, got float32/,
  ],
  [
    'Gather',
    'an axis that does not exist',
    ({ of }) => gather(of([4, 2]), of([3], 'int64'), 2),
    /axis 2 does not exist in rank 2/,
  ],
  [
    'ScatterAdd',
    'updates of another width',
    ({ of }) => scatterAdd(of([3, 4]), of([3], 'int64'), [5, 2]),
    /rows of \[5, 2\]/,
  ],
  [
    'ScatterAdd',
    'fractional indices',
    ({ of }) => scatterAdd(of([3, 2]), of([3]), [5, 2]),
    /expects int64, got float32/,
  ],
  ['OneHot', 'fractional indices', ({ of }) => oneHot(of([3]), 4), /expects int64, got float32/],
  ['OneHot', 'a scalar', ({ of }) => oneHot(of([], 'int64'), 4), /rank 1 or more/],
  [
    'Reshape',
    'a different number of elements',
    ({ of }) => reshape(of([2, 3]), [4, 2]),
    /\[2, 3\] .* elements of \[4, 2\]/,
  ],
  ['Reshape', 'a symbolic size that disappears', ({ of }) => reshape(of(['batch', 3]), [3]), /\[batch, 3\]/],
  [
    'Reshape',
    'a symbolic size under another name',
    ({ of }) => reshape(of(['batch', 3]), ['tokens', 3]),
    /\[tokens, 3\]/,
  ],
  [
    'Transpose',
    'an axis twice',
    ({ of }) => transpose(of([2, 3]), [0, 0]),
    /order \[0, 0\] is not a permutation/,
  ],
  ['Transpose', 'too few axes', ({ of }) => transpose(of([2, 3, 4]), [1, 0]), /is not a permutation/],
  ['Transpose', 'a vector', ({ of }) => transpose(of([2])), /is not a permutation/],
  ['Expand', 'expanding a size other than 1', ({ of }) => expand(of([2, 3]), [4, 3]), /do not broadcast/],
  [
    'Expand',
    'expanding to a smaller shape',
    ({ of }) => expand(of([2, 3]), [1, 3]),
    /does not broadcast to \[1, 3\]/,
  ],
  [
    'Concat',
    'parts of different widths',
    ({ of }) => concat([of([2, 3]), of([2, 4])], 0),
    /differ outside axis 0/,
  ],
  [
    'Concat',
    'parts of different ranks',
    ({ of }) => concat([of([2, 3]), of([2])], 1),
    /differ outside axis 1/,
  ],
  [
    'Concat',
    'parts of different dtypes',
    ({ of }) => concat([of([2]), of([2], 'bool')], 0),
    /float32 and bool/,
  ],
  [
    'Concat',
    'an axis that does not exist',
    ({ of }) => concat([of([2]), of([2])], -2),
    /axis -2 does not exist in rank 1/,
  ],
  [
    'Concat',
    'parts that differ in a symbolic size',
    ({ of }) => concat([of(['batch', 3]), of(['tokens', 3])], 1),
    /differ outside axis 1/,
  ],
  [
    'Split',
    'sizes that do not add up',
    ({ of }) => split(of([5, 2]), [2, 2], 0),
    /\[2, 2\] do not add up to 5/,
  ],
  [
    'Split',
    'a single part that is too small',
    ({ of }) => split(of([5, 2]), [3], 0),
    /\[3\] do not add up to 5/,
  ],
  ['Split', 'a negative size', ({ of }) => split(of([5]), [-1, 6], 0), /do not add up/],
  ['Split', 'an axis that does not exist', ({ of }) => split(of([5]), [2, 3], 1), /axis 1 does not exist/],
  [
    'Slice',
    'slicing past the end',
    ({ of }) => slice(of([2, 3]), 1, 1, 4),
    /cannot take 1 to 4 by 1 along axis 1/,
  ],
  ['Slice', 'an empty slice', ({ of }) => slice(of([2, 3]), 1, 2, 2), /cannot take 2 to 2/],
  ['Slice', 'slicing from before the start', ({ of }) => slice(of([2, 3]), 1, -1, 2), /cannot take -1 to 2/],
  ['Slice', 'a negative step', ({ of }) => slice(of([2, 3]), 1, 0, 2, -1), /by -1/],
  ['Slice', 'a fractional axis', ({ of }) => slice(of([2, 3]), 0.5, 0, 1), /axis 0.5 does not exist/],
  ['Pad', 'a negative amount', ({ of }) => pad(of([2, 3]), 1, -1, 0), /use slice to remove elements/],
  ['Pad', 'integers', ({ of }) => pad(of([2, 3], 'int64'), 1, 1, 0), /expects float32, got int64/],
  ['Pad', 'an axis that does not exist', ({ of }) => pad(of([2, 3]), 3, 1, 0), /axis 3 does not exist/],
  [
    'ReduceSum',
    'an axis that does not exist',
    ({ of }) => sum(of([2, 3]), [2]),
    /axis 2 does not exist in rank 2/,
  ],
  ['ReduceMean', 'an axis of a scalar', ({ of }) => mean(of([]), [0]), /axis 0 does not exist in rank 0/],
  ['ReduceMax', 'an axis before the first', ({ of }) => max(of([2, 3]), [-3]), /axis -3 does not exist/],
  ['Softmax', 'a scalar', ({ of }) => softmax(of([])), /axis -1 does not exist in rank 0/],
  ['ArgMax', 'an axis that does not exist', ({ of }) => argMax(of([2]), 1), /axis 1 does not exist/],
  [
    'LayerNormalization',
    'a scale of another width',
    ({ of }) => layerNorm(of([2, 3]), of([2]), of([3]), 1e-5),
    /have the width 3/,
  ],
  [
    'LayerNormalization',
    'integers',
    ({ of }) => layerNorm(of([2, 3], 'int64'), of([3]), of([3]), 1e-5),
    /expects float32/,
  ],
  [
    'Scan',
    'sequences of different lengths',
    ({ graph, of }) =>
      scan(graph, {}, { a: of([3, 1]), b: of([4, 1]) }, () => ({ carried: {}, outputs: {} })),
    /b \[4, 1\] does not have 3 steps/,
  ],
  [
    'Scan',
    'nothing to scan',
    ({ graph }) => scan(graph, {}, {}, () => ({ carried: {}, outputs: {} })),
    /needs something to scan/,
  ],
  [
    'Scan',
    'a state that changes its shape',
    ({ graph, of }) =>
      scan(graph, { h: of([2]) }, { x: of([3, 4]) }, (step) => ({
        carried: { h: step.scanned['x']! },
        outputs: {},
      })),
    /state h enters as float32 \[2\] and leaves as float32 \[4\]/,
  ],
  [
    'Scan',
    'a state that changes its dtype',
    ({ graph, of }) =>
      scan(graph, { h: of([2]) }, { x: of([3, 2], 'int64') }, (step) => ({
        carried: { h: step.scanned['x']! },
        outputs: {},
      })),
    /enters as float32 \[2\] and leaves as int64 \[2\]/,
  ],
  [
    'Scan',
    'a state that is not returned',
    ({ graph, of }) => scan(graph, { h: of([2]) }, { x: of([3, 2]) }, () => ({ carried: {}, outputs: {} })),
    /state h enters as float32 \[2\] and leaves as nothing/,
  ],
  [
    'Scan',
    'a state that did not exist before',
    ({ graph, of }) =>
      scan(graph, {}, { x: of([3, 2]) }, (step) => ({ carried: { h: step.scanned['x']! }, outputs: {} })),
    /state h enters as nothing and leaves as float32 \[2\]/,
  ],
];
