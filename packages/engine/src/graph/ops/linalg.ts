// Matrix products.
import { defined } from '../../base/collections.js';
import { sizeOf } from '../../base/tensor.js';
import {
  apply,
  formatShape,
  NONE,
  operator,
  staticShape,
  type Binary,
  type BinaryWithOptional,
  type Dim,
  type Shape,
  type Value,
} from '../graph.js';
import { broadcastShapes, dimOf, dimsOf, expectDType, sameShape, sizeAlong } from '../shapes.js';
import { add as addBroadcast, mul } from './elementwise.js';
import { flattenLeading, reshape, transpose } from './movement.js';

const isStatic = (shape: Shape): boolean => shape.every((dim) => typeof dim === 'number');

const MatMul = operator<Binary>({
  name: 'MatMul',
  infer: ([a, b]) => {
    expectDType(b, a.dtype);
    if (a.shape.length < 2 || b.shape.length < 2) throw new Error('expects operands of rank 2 or more');
    if (a.shape.at(-1) !== b.shape.at(-2))
      throw new Error(`cannot multiply ${formatShape(a.shape)} by ${formatShape(b.shape)}`);
    const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
    return [{ dtype: a.dtype, shape: [...batch, dimOf(a, -2), dimOf(b, -1)] }];
  },
  gradient: (dy, { inputs: [a, b] }) => {
    // If all batch items share the right operand: one product over all rows instead of one per item and a sum.
    const shared = b.shape.length === 2 && a.shape.length > 2 && isStatic(a.shape);
    return [
      matmul(dy, transpose(b)),
      shared ? gemm(flattenLeading(a), flattenLeading(dy), { transA: true }) : matmul(transpose(a), dy),
    ];
  },
  multiplyAdds: ({ inputs: [a], outputs: [y] }) => sizeOf(staticShape(y.shape)) * sizeAlong(a, -1),
});
/** Products of the matrices in the last two axes: `[..., n, k]` × `[..., k, m]` → `[..., n, m]`. */
export const matmul = (a: Value, b: Value): Value => apply(MatMul, [a, b], NONE)[0];

interface GemmAttributes {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
  readonly beta: number;
}
const Gemm = operator<BinaryWithOptional, GemmAttributes>({
  name: 'Gemm',
  infer: ([a, b, c], { transA, transB }) => {
    const [[rowsA, columnsA], [rowsB, columnsB]] = [dimsOf(a, 2), dimsOf(b, 2)];
    for (const operand of c ? [b, c] : [b]) expectDType(operand, a.dtype);
    const [n, k] = transA ? [columnsA, rowsA] : [rowsA, columnsA];
    const [inner, m] = transB ? [columnsB, rowsB] : [rowsB, columnsB];
    if (k !== inner)
      throw new Error(
        `cannot multiply ${formatShape(a.shape)}${transA ? 'ᵀ' : ''} by ${formatShape(b.shape)}${transB ? 'ᵀ' : ''}`,
      );
    const shape: Dim[] = [n, m];
    if (c && !sameShape(broadcastShapes(c.shape, shape), shape))
      throw new Error(`the added ${formatShape(c.shape)} does not broadcast to ${formatShape(shape)}`);
    return [{ dtype: a.dtype, shape }];
  },
  lower: (inputs, { transA, transB, alpha, beta }) => ({
    type: 'Gemm',
    inputs,
    attributes: {
      transA: transA ? 1 : 0,
      transB: transB ? 1 : 0,
      alpha: { float: alpha },
      beta: { float: beta },
    },
  }),
  gradient: (dy, { inputs: [a, b, c], attributes: { transA, transB, alpha, beta } }) => [
    transA ? gemm(b, dy, { transA: transB, transB: true, alpha }) : gemm(dy, b, { transB: !transB, alpha }),
    transB ? gemm(dy, a, { transA: true, transB: transA, alpha }) : gemm(a, dy, { transA: !transA, alpha }),
    c && (beta === 1 ? dy : mul(dy, beta)),
  ],
  multiplyAdds: ({ inputs: [a], outputs: [y], attributes: { transA } }) =>
    sizeOf(staticShape(y.shape)) * sizeAlong(a, transA ? 0 : 1),
});

export interface GemmOptions extends Partial<GemmAttributes> {
  /** C: added to the product; broadcasts to it. */
  readonly add?: Value;
}

/** Columns of the right operand that ONNX Runtime packs at a time. */
const PANEL = 128;
/**
 * Fewer rows gain little; and a thread that is given a single one sums in another order if A needs no transposition.
 */
const FEWEST_ROWS = 64;

/**
 * The transpose of a matrix as a copy. Without the leading axis, ONNX Runtime would merge a Transpose into the product
 * that reads it.
 */
function transposedCopy(matrix: Value): Value {
  const [rows, columns] = dimsOf(matrix, 2);
  return reshape(transpose(reshape(matrix, [1, rows, columns]), [0, 2, 1]), [columns, rows]);
}

/**
 * α · A·B + β · C, with A and B transposed on request: `[n, k]` × `[k, m]` → `[n, m]`. ONNX Runtime would transpose A
 * anew for every panel of B, so that for several panels A is transposed once beforehand.
 */
export function gemm(a: Value, b: Value, options: GemmOptions = {}): Value {
  const { transA = false, transB = false, alpha = 1, beta = 1, add } = options;
  const isStaticProduct = isStatic(a.shape) && isStatic(b.shape);
  if (transA && isStaticProduct && sizeAlong(a, 1) >= FEWEST_ROWS && sizeAlong(b, transB ? 0 : 1) > PANEL)
    return gemm(transposedCopy(a), b, { ...options, transA: false });
  return apply(Gemm, add ? [a, b, add] : [a, b], { transA, transB, alpha, beta })[0];
}

/**
 * ONNX Runtime repacks the right operand of a product. A weight in training is repacked in every step and is larger than
 * a small batch, so that (W · xᵀ + b)ᵀ takes a fifth less time than x · Wᵀ + b. Constant weights are repacked once.
 */
function trainedProduct(x: Value, weight: Value, bias: Value): Value {
  const column = reshape(bias, [dimOf(weight, 0), 1]);
  return transpose(gemm(weight, x, { transB: true, add: column }));
}

/** x · Wᵀ + b over the last axis, W as in PyTorch: `[..., in]` × `[out, in]` → `[..., out]`. */
export function linearProduct(x: Value, weight: Value, bias?: Value): Value {
  const options = { transB: true, ...defined({ add: bias }) };
  if (x.shape.length === 2) {
    const isTrained = bias !== undefined && weight.constant === undefined;
    const isSmall = isStatic(x.shape) && isStatic(weight.shape) && sizeAlong(x, 0) < sizeAlong(weight, 0);
    return isTrained && isSmall ? trainedProduct(x, weight, bias) : gemm(x, weight, options);
  }
  if (isStatic(x.shape))
    return reshape(gemm(flattenLeading(x), weight, options), x.shape.with(-1, sizeAlong(weight, 0)));
  const product = matmul(x, transpose(weight));
  return bias ? addBroadcast(product, bias) : product;
}
