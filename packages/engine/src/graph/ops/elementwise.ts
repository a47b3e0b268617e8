// Element-wise operators: arithmetic with broadcasting, activations, comparisons, selection.
import type { DType } from '../../base/tensor.js';
import {
  apply,
  innermost,
  NONE,
  operator,
  scalar,
  type Binary,
  type Operator,
  type Ternary,
  type Unary,
  type Value,
} from '../graph.js';
import { broadcastShapes, expectDType } from '../shapes.js';

/** A value, or a number that becomes a scalar constant. */
export type Operand = Value | number;

type UnaryRule = (dy: Value, x: Value, y: Value) => Value;
type BinaryRule = (dy: Value, a: Value, b: Value, y: Value) => readonly [Value, Value | undefined];

const isValue = (operand: Operand): operand is Value => typeof operand !== 'number';

/** Operands as values in one graph: numbers become scalars of the first value's dtype, or float32. */
function lift<Operands extends readonly Operand[]>(
  operands: Operands,
  others: readonly Value[] = [],
): { [K in keyof Operands]: Value } {
  const values = operands.filter(isValue);
  const graph = innermost([...others, ...values]);
  const dtype = values[0]?.dtype;
  return operands.map((operand) => (isValue(operand) ? operand : scalar(graph, operand, dtype))) as never;
}

function binary(name: string, rule?: BinaryRule, output?: DType): (a: Operand, b: Operand) => Value {
  const definition = operator<Binary>({
    name,
    infer: ([a, b]) => {
      if (a.dtype !== b.dtype) throw new Error(`operands differ in dtype: ${a.dtype} and ${b.dtype}`);
      return [{ dtype: output ?? a.dtype, shape: broadcastShapes(a.shape, b.shape) }];
    },
    gradient: rule && ((dy, { inputs: [a, b], outputs: [y] }) => rule(dy, a, b, y)),
  });
  return (a, b) => apply(definition, lift([a, b] as const), NONE)[0];
}

function unary(name: string, rule?: UnaryRule, lower?: Operator['lower']): (x: Value) => Value {
  const definition = operator({
    name,
    infer: ([{ dtype, shape }]) => [{ dtype, shape }],
    lower,
    gradient: rule && ((dy, { inputs: [x], outputs: [y] }) => [rule(dy, x, y)]),
  });
  return (x) => apply(definition, [x], NONE)[0];
}

export const add = binary('Add', (dy) => [dy, dy]);
export const sub = binary('Sub', (dy) => [dy, neg(dy)]);
export const mul = binary('Mul', (dy, a, b) => [mul(dy, b), mul(dy, a)]);
export const div = binary('Div', (dy, _a, b, y) => [div(dy, b), neg(div(mul(dy, y), b))]);
/** a ^ b; the gradient of the exponent is defined for positive bases only. */
export const pow = binary('Pow', (dy, a, b, y) => [
  mul(dy, mul(b, pow(a, sub(b, 1)))),
  b.constant ? undefined : mul(dy, mul(y, log(a))),
]);
/** Where both are equal, the first receives the gradient. */
export const maximum = binary('Max', (dy, a, b) => choose(dy, greaterOrEqual(a, b)));
/** Where both are equal, the first receives the gradient. */
export const minimum = binary('Min', (dy, a, b) => choose(dy, lessOrEqual(a, b)));

export const greater = binary('Greater', undefined, 'bool');
export const greaterOrEqual = binary('GreaterOrEqual', undefined, 'bool');
export const less = binary('Less', undefined, 'bool');
export const lessOrEqual = binary('LessOrEqual', undefined, 'bool');
export const equal = binary('Equal', undefined, 'bool');

export const neg = unary('Neg', (dy) => neg(dy));
export const exp = unary('Exp', (dy, _x, y) => mul(dy, y));
export const log = unary('Log', (dy, x) => div(dy, x));
export const sqrt = unary('Sqrt', (dy, _x, y) => div(mul(dy, 0.5), y));
export const reciprocal = unary('Reciprocal', (dy, _x, y) => neg(mul(dy, mul(y, y))));
export const abs = unary('Abs', (dy, x) => mul(dy, stopGradient(sign(x))));
export const sign = unary('Sign');
export const floor = unary('Floor');
export const sin = unary('Sin', (dy, x) => mul(dy, cos(x)));
export const cos = unary('Cos', (dy, x) => neg(mul(dy, sin(x))));
export const tanh = unary('Tanh', (dy, _x, y) => mul(dy, sub(1, mul(y, y))));
export const sigmoid = unary('Sigmoid', (dy, _x, y) => mul(dy, mul(y, sub(1, y))));
export const relu = unary('Relu', (dy, _x, y) => mul(dy, cast(greater(y, 0), 'float32')));
export const erf = unary('Erf', (dy, x) => mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))));
/** log(1 + eˣ) */
export const softplus = unary('Softplus', (dy, x) => mul(dy, sigmoid(x)));

/** x · σ(x), computed by ONNX Runtime's fused QuickGelu with α = 1. */
export const silu = unary(
  'Silu',
  (dy, x, y) => {
    const s = sigmoid(x);
    return mul(dy, add(s, sub(y, mul(y, s))));
  },
  (inputs) => ({
    type: 'QuickGelu',
    domain: 'com.microsoft',
    inputs,
    attributes: { alpha: { float: 1 } },
  }),
);

/** x · Φ(x) with the exact normal distribution function, as in BERT. */
export const gelu = unary('Gelu', (dy, x) => {
  // Φ(x) + x · φ(x) with u = x / √2 and constants where they take no pass of their own: φ(x) = exp(ln(1 / √π) − u²) / √2.
  const u = mul(x, Math.SQRT1_2);
  const density = exp(sub(-0.5 * Math.log(Math.PI), mul(u, u)));
  return mul(dy, add(half(erf(u)), mul(u, density)));
});

/** (x + 1) / 2 for x from −1 to 1, which HardSigmoid computes in one pass. */
const half = unary(
  'Half',
  (dy) => mul(dy, 0.5),
  (inputs) => ({
    type: 'HardSigmoid',
    inputs,
    attributes: { alpha: { float: 0.5 }, beta: { float: 0.5 } },
  }),
);

/** 1 where x is positive, 0 elsewhere, without a gradient. HardSigmoid computes it in one pass. */
export const step = unary('Step', undefined, (inputs) => ({
  type: 'HardSigmoid',
  inputs,
  attributes: { alpha: { float: 1e38 }, beta: { float: 0 } },
}));

const StopGradient = operator({
  name: 'StopGradient',
  infer: ([{ dtype, shape }]) => [{ dtype, shape }],
  lower: (inputs) => ({ type: 'Identity', inputs }),
  gradient: () => [undefined],
});
/** The identity, through which no gradient flows. */
export const stopGradient = (x: Value): Value => apply(StopGradient, [x], NONE)[0];

const Cast = operator<Unary, { readonly to: DType }>({
  name: 'Cast',
  infer: ([{ shape }], { to }) => [{ dtype: to, shape }],
  lower: (inputs, { to }) => ({ type: 'Cast', inputs, attributes: { to: { dtype: to } } }),
  gradient: (dy, { inputs: [{ dtype }] }) => [dtype.startsWith('float') ? cast(dy, dtype) : undefined],
});
/** Converts to another dtype; returns x itself if it has that dtype. */
export const cast = (x: Value, to: DType): Value => (x.dtype === to ? x : apply(Cast, [x], { to })[0]);

const Where = operator<Ternary>({
  name: 'Where',
  infer: ([condition, a, b]) => {
    expectDType(condition, 'bool');
    if (a.dtype !== b.dtype) throw new Error(`branches differ in dtype: ${a.dtype} and ${b.dtype}`);
    const shape = broadcastShapes(condition.shape, broadcastShapes(a.shape, b.shape));
    return [{ dtype: a.dtype, shape }];
  },
  gradient: (dy, { inputs: [condition] }) => [undefined, ...choose(dy, condition)],
});
/** `a` where the condition holds, `b` elsewhere; two numbers become float32. */
export const where = (condition: Value, a: Operand, b: Operand): Value =>
  apply(Where, [condition, ...lift([a, b] as const, [condition])], NONE)[0];

/** The gradient where the condition holds, and where it does not. */
const choose = (dy: Value, condition: Value): [Value, Value] => [
  where(condition, dy, 0),
  where(condition, 0, dy),
];
