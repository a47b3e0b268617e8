// Matrix products.
import { defined } from '../../base/defined.js';
import { sizeOf } from '../../base/tensor.js';
import { apply, formatShape, staticShape, type Dim, type Value } from '../builder.js';
import { NONE, operator } from '../operator.js';
import { broadcastShapes, expectDType, expectRank, sameShape } from '../shapes.js';
import { add as addBroadcast, mul } from './elementwise.js';
import { flattenLeading, reshape, transpose } from './movement.js';

const isStatic = (value: Value): boolean => value.shape.every((dim) => typeof dim === 'number');

const MatMul = operator({
  name: 'MatMul',
  infer: ([a, b]) => {
    expectDType(b!, a!.dtype);
    if (a!.shape.length < 2 || b!.shape.length < 2) throw new Error('expects operands of rank 2 or more');
    if (a!.shape.at(-1) !== b!.shape.at(-2))
      throw new Error(`cannot multiply ${formatShape(a!.shape)} by ${formatShape(b!.shape)}`);
    const batch = broadcastShapes(a!.shape.slice(0, -2), b!.shape.slice(0, -2));
    return [{ dtype: a!.dtype, shape: [...batch, a!.shape.at(-2)!, b!.shape.at(-1)!] }];
  },
  gradient: (dy, { inputs: [a, b] }) => {
    // A right operand shared by all batch items: one product over all rows instead of one an item and a sum.
    const shared = b!.shape.length === 2 && a!.shape.length > 2 && isStatic(a!);
    return [
      matmul(dy, transpose(b!)),
      shared ? gemm(flattenLeading(a!), flattenLeading(dy), { transA: true }) : matmul(transpose(a!), dy),
    ];
  },
});
/** Products of the matrices in the last two axes: `[..., n, k]` × `[..., k, m]` → `[..., n, m]`. */
export const matmul = (a: Value, b: Value): Value => apply(MatMul, [a, b], NONE)[0]!;

interface GemmAttributes {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
  readonly beta: number;
}
const Gemm = operator<GemmAttributes>({
  name: 'Gemm',
  infer: ([a, b, c], { transA, transB }) => {
    expectRank(a!, 2);
    expectRank(b!, 2);
    for (const operand of [b!, ...(c ? [c] : [])]) expectDType(operand, a!.dtype);
    const [n, k] = transA ? [a!.shape[1]!, a!.shape[0]!] : [a!.shape[0]!, a!.shape[1]!];
    const [inner, m] = transB ? [b!.shape[1]!, b!.shape[0]!] : [b!.shape[0]!, b!.shape[1]!];
    if (k !== inner)
      throw new Error(
        `cannot multiply ${formatShape(a!.shape)}${transA ? 'ᵀ' : ''} by ${formatShape(b!.shape)}${transB ? 'ᵀ' : ''}`,
      );
    const shape: Dim[] = [n, m];
    if (c && !sameShape(broadcastShapes(c.shape, shape), shape))
      throw new Error(`the added ${formatShape(c.shape)} does not broadcast to ${formatShape(shape)}`);
    return [{ dtype: a!.dtype, shape }];
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
    transA ? gemm(b!, dy, { transA: transB, transB: true, alpha }) : gemm(dy, b!, { transB: !transB, alpha }),
    transB ? gemm(dy, a!, { transA: true, transB: transA, alpha }) : gemm(a!, dy, { transA: !transA, alpha }),
    ...(c ? [beta === 1 ? dy : mul(dy, beta)] : []),
  ],
});

export interface GemmOptions extends Partial<GemmAttributes> {
  /** C: added to the product; broadcasts to it. */
  readonly add?: Value;
}
/** α · A·B + β · C, with A and B transposed on request: `[n, k]` × `[k, m]` → `[n, m]`. */
export function gemm(a: Value, b: Value, options: GemmOptions = {}): Value {
  const { transA = false, transB = false, alpha = 1, beta = 1, add } = options;
  return apply(Gemm, add ? [a, b, add] : [a, b], { transA, transB, alpha, beta })[0]!;
}

/**
 * A product's right operand is rearranged before the product. Trained weights are so in every step, and larger than a
 * small batch: (W · xᵀ + b)ᵀ then takes a fifth less time than x · Wᵀ + b. Weights that are constants are rearranged once.
 */
function trainedProduct(x: Value, weight: Value, bias: Value): Value {
  const column = reshape(bias, [weight.shape[0]!, 1]);
  return transpose(gemm(weight, x, { transB: true, add: column }));
}

/** x · Wᵀ + b over the last axis, W as PyTorch keeps it: `[..., in]` × `[out, in]` → `[..., out]`. */
export function linearProduct(x: Value, weight: Value, bias?: Value): Value {
  const options = { transB: true, ...defined({ add: bias }) };
  if (x.shape.length === 2) {
    const [rows, width] = [x.shape[0]!, weight.shape[0]!];
    const isTrained = bias !== undefined && weight.constant === undefined;
    return isTrained && isStatic(x) && rows < width
      ? trainedProduct(x, weight, bias)
      : gemm(x, weight, options);
  }
  if (isStatic(x)) {
    const rows = sizeOf(staticShape(x.shape.slice(0, -1)));
    const product = gemm(reshape(x, [rows, x.shape.at(-1)!]), weight, options);
    return reshape(product, [...x.shape.slice(0, -1), weight.shape[0]!]);
  }
  const product = matmul(x, transpose(weight));
  return bias ? addBroadcast(product, bias) : product;
}
