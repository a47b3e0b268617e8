// What a graph consists of, as plain data: values, nodes, and operators with shape rule, ONNX form and gradient in one
// place; and the functions that build one.
import { messageOf, MienError } from '../base/errors.js';
import { float32, type DType, type Tensor } from '../base/tensor.js';

/** A known size, or the name of a size that is known only at run time (`batch`, `tokens`). */
export type Dim = number | string;
export type Shape = readonly Dim[];

export interface ValueType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A tensor that will exist when the graph runs: an input, a constant, or an output of a node. */
export interface Value extends ValueType {
  readonly graph: Graph;
  readonly id: number;
  /** The node that computes it; undefined for inputs and constants. */
  readonly node: Node | undefined;
  /** Name of an input. */
  readonly input?: string;
  /** Tensor of a constant. */
  readonly constant?: Tensor;
}

/** Inputs of operators, by arity. */
export type Unary = readonly [Value];
export type Binary = readonly [Value, Value];
export type Ternary = readonly [Value, Value, Value];
export type Variadic = readonly [Value, ...Value[]];
/** Two inputs and optionally a third. */
export type BinaryWithOptional = readonly [Value, Value, ...Value[]];

type Values = readonly Value[];

/** One application of an operator. */
export interface Node<Inputs extends Values = Values, Attributes = unknown, Outputs extends Values = Values> {
  readonly operator: Operator;
  readonly inputs: Inputs;
  readonly attributes: Attributes;
  readonly outputs: Outputs;
  /** Its place in the model, for instance `encoder.layer.0.attention`. */
  readonly scope: string;
}

export interface Graph {
  readonly name: string;
  /** The enclosing graph of a Scan body, which may use that graph's values. */
  readonly parent: Graph | undefined;
  readonly depth: number;
  readonly inputs: Value[];
  /** In the order they were added, which is a topological order. */
  readonly nodes: Node[];
  readonly scopes: string[];
  readonly scalars: Map<string, Value>;
  readonly counter: { next: number };
}

/** A value of an ONNX attribute; floats are wrapped to tell them from integers. */
export type OnnxAttribute =
  number | readonly number[] | string | { float: number } | { dtype: DType } | { graph: Subgraph };

/** A Scan body: its graph and its outputs in order. */
export interface Subgraph {
  readonly graph: Graph;
  readonly outputs: readonly Value[];
}

/** A value, a constant tensor, or a shape that may contain sizes known only at run time. */
export type OnnxInput = Value | Tensor | { readonly dims: Shape };

/** An ONNX node whose inputs and outputs have no names yet. */
export interface OnnxForm {
  readonly type: string;
  /** Empty for standard operators. */
  readonly domain?: string;
  readonly inputs: readonly (OnnxInput | undefined)[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** `Each<[Value, Value], T>` is `[T, T]`. */
type Each<Tuple extends Values, T> = { readonly [K in keyof Tuple]: T };

/** Attributes of operators that have none. */
export const NONE: Record<string, never> = {};

export interface Operator<
  /* eslint-disable @typescript-eslint/no-explicit-any -- operators of all arities are kept in one list of nodes */
  Inputs extends Values = any,
  Attributes = any,
  Outputs extends Values = any,
  /* eslint-enable @typescript-eslint/no-explicit-any */
> {
  readonly name: string;
  /** Types of the outputs; throws an Error with the reason if the inputs do not fit. */
  readonly infer: (inputs: Inputs, attributes: Attributes) => Each<Outputs, ValueType>;
  /** The ONNX node; by default one with the operator's name and inputs, without attributes. */
  readonly lower?: ((inputs: Inputs, attributes: Attributes, outputs: Outputs) => OnnxForm) | undefined;
  /**
   * Gradients of the inputs from those of the outputs (vector–Jacobian product). `dy` is the first gradient there is;
   * `dys` has one for each output, undefined if nothing depends on it. Undefined for an input without a gradient.
   * Gradients may keep axes along which their input was broadcast: `pullback` sums over these.
   */
  readonly gradient?:
    | ((
        dy: Value,
        node: Node<Inputs, Attributes, Outputs>,
        dys: Each<Outputs, Value | undefined>,
      ) => Each<Inputs, Value | undefined>)
    | undefined;
  /** Multiply-adds; element-wise work is not counted, as is usual. */
  readonly multiplyAdds?: (node: Node<Inputs, Attributes, Outputs>) => number;
}

/** Defines an operator, by default with one input, no attributes and one output; returns it unchanged. */
export const operator = <
  Inputs extends Values = Unary,
  Attributes = typeof NONE,
  Outputs extends Values = [Value],
>(
  definition: NoInfer<Operator<Inputs, Attributes, Outputs>>,
): Operator<Inputs, Attributes, Outputs> => definition;

export function createGraph(name: string, parent?: Graph): Graph {
  return {
    name,
    parent,
    depth: parent === undefined ? 0 : parent.depth + 1,
    inputs: [],
    nodes: [],
    scopes: parent === undefined ? [] : [...parent.scopes],
    scalars: new Map(),
    counter: parent?.counter ?? { next: 0 },
  };
}

/**
 * Declares an input of the graph.
 * @throws MienError `shape` if the name is taken.
 */
export function input(graph: Graph, name: string, dtype: DType, shape: Shape): Value {
  if (graph.inputs.some((other) => other.input === name))
    throw new MienError('shape', `graph ${graph.name} already has an input named ${name}`);
  const value: Value = { graph, id: graph.counter.next++, dtype, shape, node: undefined, input: name };
  graph.inputs.push(value);
  return value;
}

/** A tensor that is part of the graph. */
export function constant(graph: Graph, tensor: Tensor): Value {
  const { dtype, shape } = tensor;
  return { graph, id: graph.counter.next++, dtype, shape, node: undefined, constant: tensor };
}

/**
 * A scalar constant; equal ones are shared.
 * @throws MienError `shape` for a fraction of an integer dtype.
 */
export function scalar(graph: Graph, value: number, dtype: DType = 'float32'): Value {
  const key = `${dtype} ${Object.is(value, -0) ? '-0' : value}`;
  let shared = graph.scalars.get(key);
  if (shared === undefined) {
    if (dtype !== 'float32' && !Number.isInteger(value))
      throw new MienError('shape', `${value} cannot be a constant of dtype ${dtype}`);
    const tensor: Tensor =
      dtype === 'int64'
        ? { dtype, shape: [], data: BigInt64Array.of(BigInt(value)) }
        : dtype === 'int32'
          ? { dtype, shape: [], data: Int32Array.of(value) }
          : dtype === 'bool'
            ? { dtype, shape: [], data: Uint8Array.of(value) }
            : float32([], [value]);
    shared = constant(graph, tensor);
    graph.scalars.set(key, shared);
  }
  return shared;
}

/** Runs `build` with `name` added to the scope, which errors and node names state. */
export function scoped<T>(graph: Graph, name: string, build: () => T): T {
  graph.scopes.push(name);
  try {
    return build();
  } finally {
    graph.scopes.pop();
  }
}

/** The innermost of the graphs that these values belong to. */
export function innermost(values: readonly Value[]): Graph {
  const [first, ...others] = values;
  if (first === undefined) throw new MienError('shape', 'an operator needs at least one input');
  return others.reduce((inner, { graph }) => (graph.depth > inner.depth ? graph : inner), first.graph);
}

/**
 * Applies an operator: adds a node to the innermost graph of its inputs and returns the outputs.
 * @throws MienError `shape` that names the operator, its place in the model, and the shapes of its inputs.
 */
export function apply<Inputs extends Values, Attributes, Outputs extends Values>(
  operator: Operator<Inputs, Attributes, Outputs>,
  inputs: Inputs,
  attributes: Attributes,
): Outputs {
  const graph = innermost(inputs);
  let types: readonly ValueType[];
  try {
    types = operator.infer(inputs, attributes);
  } catch (cause) {
    throw shapeError(operator.name, inputs, cause);
  }
  const outputs: Value[] = [];
  const scope = graph.scopes.join('.');
  const node: Node = { operator, inputs, attributes, outputs, scope };
  for (const type of types) outputs.push({ graph, id: graph.counter.next++, ...type, node });
  graph.nodes.push(node);
  return outputs as Values as Outputs;
}

/** The error of an operator that does not accept its inputs: names it, its place in the model and the shapes. */
export function shapeError(name: string, inputs: readonly Value[], cause: unknown): MienError {
  const graph = innermost(inputs);
  const shapes = inputs.map(({ dtype, shape }) => `${dtype} ${formatShape(shape)}`).join(', ');
  const place = graph.scopes.join('.') || graph.name;
  return new MienError('shape', `${name} in ${place}: ${messageOf(cause)} (inputs: ${shapes})`, { cause });
}

export const formatShape = (shape: Shape): string => `[${shape.join(', ')}]`;

/** The sizes as numbers. @throws MienError `shape` if one is known only at run time. */
export const staticShape = <const S extends Shape>(shape: S): { -readonly [K in keyof S]: number } =>
  shape.map((dim) => {
    if (typeof dim === 'string')
      throw new MienError('shape', `the size "${dim}" must be known here, got ${formatShape(shape)}`);
    return dim;
  }) as { -readonly [K in keyof S]: number };

/** Multiply-adds of a graph's matrix products and convolutions. @throws Error if a size is known only at run time. */
export const multiplyAdds = ({ nodes }: Graph): number =>
  nodes.reduce((total, node) => total + (node.operator.multiplyAdds?.(node) ?? 0), 0);
