// Rebuilds a model read from its file on a graph, where it can be differentiated. Quantised operators are replaced by their
// floating-point equivalents: weights times their scales, and activations without rounding.
import {
  concat,
  constant,
  conv2d,
  defined,
  type Dim,
  dtypeOf,
  elementwise,
  expand,
  firstRows,
  float32,
  gather,
  gemm,
  globalAveragePool,
  type Graph,
  int64,
  layerNorm,
  logSoftmax,
  matmul,
  mean,
  messageOf,
  MienError,
  type Model,
  type ModelNode,
  type Padding,
  reshape,
  resizeBicubic,
  type Shape,
  slice,
  softmax,
  split,
  sum,
  type Tensor,
  transpose,
  type Value,
} from 'mien-engine';

/** The meaning of a name in the model: a value, or a shape as a list of sizes. */
type Found = { readonly value: Value } | { readonly dims: Shape };

/** A value, or only its shape if nothing else is used. */
export type Given = Value | { readonly shape: Shape };

type Rule = (node: Reader) => readonly (Found | undefined)[];

/** A node as rules see it. */
interface Reader {
  readonly node: ModelNode;
  readonly graph: Graph;
  /** The value of an input. */
  value(index: number): Value;
  /** The sizes or integers in an input; undefined if the input is omitted. */
  numbers(index: number): Shape | undefined;
  /** The shape of an input. */
  shape(index: number): Shape;
  attribute<T>(name: string, otherwise: T): T;
}

const one = (value: Value): readonly Found[] => [{ value }];
const known = (dims: Shape | undefined): number[] | undefined =>
  dims?.map((dim) => {
    if (typeof dim === 'string') throw new Error(`needs the size of "${dim}"`);
    return dim;
  });

const unary =
  (build: (x: Value) => Value): Rule =>
  (node) =>
    one(build(node.value(0)));
const binary =
  (build: (a: Value, b: Value) => Value): Rule =>
  (node) =>
    one(build(node.value(0), node.value(1)));
const alongAxis =
  (build: (x: Value, axis: number) => Value): Rule =>
  (node) =>
    one(build(node.value(0), node.attribute('axis', -1)));
const reducing =
  (build: (x: Value, axes?: readonly number[], keepDims?: boolean) => Value): Rule =>
  (node) =>
    one(build(node.value(0), known(node.numbers(1)), node.attribute('keepdims', 1) === 1));

const rules: Readonly<Record<string, Rule>> = {
  Add: binary(elementwise.add),
  Sub: binary(elementwise.sub),
  Mul: binary(elementwise.mul),
  Div: binary(elementwise.div),
  Neg: unary(elementwise.neg),
  Sqrt: unary(elementwise.sqrt),
  Exp: unary(elementwise.exp),
  Log: unary(elementwise.log),
  Sigmoid: unary(elementwise.sigmoid),
  Tanh: unary(elementwise.tanh),
  Gelu: unary(elementwise.gelu),
  QuickGelu: unary(elementwise.silu),
  Relu: unary(elementwise.relu),
  Identity: unary((x) => x),
  GlobalAveragePool: unary(globalAveragePool),
  Cast: (node) => one(elementwise.cast(node.value(0), dtypeOf(node.attribute('to', 1))!)),
  Softmax: alongAxis(softmax),
  LogSoftmax: alongAxis(logSoftmax),
  ReduceMean: reducing(mean),
  ReduceSum: reducing(sum),
  MatMul: binary(matmul),
  Gemm: (node) =>
    one(
      gemm(node.value(0), node.value(1), {
        transA: node.attribute<number>('transA', 0) === 1,
        transB: node.attribute<number>('transB', 0) === 1,
        alpha: node.attribute('alpha', 1),
        beta: node.attribute('beta', 1),
        ...defined({ add: node.node.inputs[2] ? node.value(2) : undefined }),
      }),
    ),
  // Activations are not rounded: scale 1 and zero point 0.
  DynamicQuantizeLinear: (node) => [
    { value: node.value(0) },
    { value: constant(node.graph, float32([], [1])) },
    undefined,
  ],
  MatMulInteger: (node) => one(matmul(node.value(0), elementwise.cast(node.value(1), 'float32'))),
  LayerNormalization: (node) =>
    one(layerNorm(node.value(0), node.value(1), node.value(2), node.attribute('epsilon', 1e-5))),
  Gather: (node) => one(gathered(node)),
  Shape: (node) => {
    const shape = node.shape(0);
    return [{ dims: shape.slice(node.attribute('start', 0), node.attribute('end', shape.length)) }];
  },
  Concat: (node) => {
    const parts = node.node.inputs.map((_, i) => i);
    const sizes = parts.map((i) => node.numbers(i));
    if (sizes.every((part) => part !== undefined)) return [{ dims: sizes.flat() }];
    return one(concat(parts.map(node.value), node.attribute('axis', 0)));
  },
  Reshape: (node) => one(reshaped(node.value(0), node.numbers(1)!)),
  Expand: (node) => one(expand(node.value(0), node.numbers(1)!)),
  Transpose: (node) => one(transpose(node.value(0), node.attribute('perm', undefined))),
  Slice: (node) => one(sliced(node)),
  Split: (node) =>
    split(node.value(0), known(node.numbers(1))!, node.attribute('axis', 0)).map((value) => ({ value })),
  Conv: (node) =>
    one(
      conv2d(node.value(0), node.value(1), {
        stride: node.attribute<readonly number[]>('strides', [1])[0]!,
        padding: node.attribute<Padding>('pads', [0, 0, 0, 0]),
        groups: node.attribute('group', 1),
        ...defined({ bias: node.node.inputs[2] ? node.value(2) : undefined }),
      }),
    ),
  Resize: (node) => one(resizeBicubic(node.value(0), known(node.numbers(3)) as [number, number])),
};

function gathered(node: Reader): Value {
  const [table, indices] = [node.value(0), node.value(1)];
  const axis = node.attribute('axis', 0);
  if (axis === 0) return gather(table, indices);
  const order = known(node.numbers(1));
  // A single view.
  if (order?.length === 1) return slice(table, axis, order[0]!, order[0]! + 1);
  // A mirror image: columns in reverse order, as a product with a permutation matrix, which has a gradient.
  const width = table.shape.at(-1);
  if (axis !== table.shape.length - 1 || order === undefined || typeof width !== 'number')
    throw new Error('selects columns that are not constant');
  const permutation = new Float32Array(width * order.length);
  order.forEach((from, to) => (permutation[from * order.length + to] = 1));
  return matmul(table, constant(node.graph, float32([width, order.length], permutation)));
}

/** In `dims`, −1 stands for the size that is to be inferred, 0 for the size of the input. */
function reshaped(x: Value, dims: Shape): Value {
  const shape: Dim[] = dims.map((dim, i) => (dim === 0 ? x.shape[i]! : dim));
  const open = shape.indexOf(-1);
  if (open < 0) return reshape(x, shape);
  const [from, to] = [x.shape, shape.toSpliced(open, 1)].map((sizes) => ({
    names: sizes.filter((dim) => typeof dim === 'string'),
    count: sizes.reduce<number>((product, dim) => (typeof dim === 'number' ? product * dim : product), 1),
  }));
  const names = [...from!.names];
  for (const name of to!.names) names.splice(names.indexOf(name), 1);
  if (names.length > 1 || (names.length === 1 && from!.count !== to!.count))
    throw new Error('cannot infer a size that is a product');
  return reshape(x, shape.with(open, names[0] ?? from!.count / to!.count));
}

function sliced(node: Reader): Value {
  const [x, start, end] = [node.value(0), known(node.numbers(1))!, node.numbers(2)!];
  const axes = known(node.numbers(3)) ?? start.map((_, i) => i);
  const steps = known(node.numbers(4)) ?? start.map(() => 1);
  return axes.reduce((part, axis, i) => {
    const to = end[i]!;
    if (typeof to === 'number') return slice(part, axis, start[i]!, to, steps[i]!);
    if (axis !== 0 || start[i] !== 0) throw new Error(`cuts at the size "${to}"`);
    return firstRows(part, to);
  }, x);
}

/**
 * Rebuilds the part of a model that computes `wanted` from `given`. Nodes before the given values are omitted, so that
 * inputs can be any values of the model.
 * @returns the values of all names in that part.
 * @throws MienError `bundle` that names a node which cannot be rebuilt because mien does not write it into bundles.
 */
export function rebuild(
  graph: Graph,
  model: Model,
  given: Readonly<Record<string, Given>>,
  wanted: readonly string[],
): ReadonlyMap<string, Value> {
  const found = new Map<string, Found | { readonly shape: Shape }>();
  for (const [name, one] of Object.entries(given)) found.set(name, 'graph' in one ? { value: one } : one);
  const nodes = nodesBetween(model, new Set(found.keys()), wanted);

  const resolve = (name: string): Found | { readonly shape: Shape } => {
    const before = found.get(name);
    if (before !== undefined) return before;
    const tensor = model.constants.get(name);
    if (tensor === undefined) throw new Error(`has no value for its input ${name}`);
    const value = { value: constant(graph, tensor) };
    found.set(name, value);
    return value;
  };
  const readerOf = (node: ModelNode): Reader => ({
    node,
    graph,
    value(index) {
      const part = resolve(node.inputs[index]!);
      if ('value' in part) return part.value;
      if ('dims' in part && part.dims.every((dim) => typeof dim === 'number'))
        return constant(graph, int64([part.dims.length], part.dims));
      throw new Error(`needs the elements of ${node.inputs[index]}, of which only the shape is known`);
    },
    numbers(index) {
      const name = node.inputs[index];
      if (!name) return undefined;
      const part = resolve(name);
      if ('dims' in part) return part.dims;
      return 'value' in part && part.value.constant ? wholeNumbers(part.value.constant) : undefined;
    },
    shape(index) {
      const part = resolve(node.inputs[index]!);
      if ('value' in part) return part.value.shape;
      return 'shape' in part ? part.shape : [part.dims.length];
    },
    attribute: <T>(name: string, otherwise: T) => (node.attributes[name] ?? otherwise) as T,
  });

  for (const node of nodes) {
    try {
      const rule = rules[node.type];
      if (rule === undefined) throw new Error('is not an operator that mien writes into bundles');
      rule(readerOf(node)).forEach((part, i) => {
        const name = node.outputs[i];
        if (part !== undefined && name) found.set(name, part);
      });
    } catch (cause) {
      throw new MienError('bundle', `cannot be differentiated: ${node.type} ${messageOf(cause)}`, {
        file: model.file,
        cause,
        hint: 'Export the bundle with this version of mien.',
      });
    }
  }
  const values = new Map<string, Value>();
  for (const [name, part] of found) if ('value' in part) values.set(name, part.value);
  const missing = wanted.find((name) => !values.has(name));
  if (missing !== undefined) throw new MienError('bundle', `has no output ${missing}`, { file: model.file });
  return values;
}

const wholeNumbers = ({ dtype, data }: Tensor): number[] | undefined =>
  dtype === 'int64' || dtype === 'int32'
    ? Array.from(data as ArrayLike<number | bigint>, (value) => Number(value))
    : undefined;

/** The nodes that compute `wanted` from `given`. */
function nodesBetween(model: Model, given: ReadonlySet<string>, wanted: readonly string[]): ModelNode[] {
  const needed = new Set(wanted.filter((name) => !given.has(name)));
  const nodes: ModelNode[] = [];
  for (const node of model.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    nodes.push(node);
    for (const name of node.inputs) if (name && !given.has(name)) needed.add(name);
  }
  return nodes.reverse();
}
