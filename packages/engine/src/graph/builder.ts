// Builds graphs, which are plain data: inputs, constants, scopes, and the one function that adds a node.
import { messageOf, MienError } from '../base/errors.js';
import { float32, type DType, type Tensor } from '../base/tensor.js';
import type { Graph, Node, Operator, Shape, Value } from './operator.js';

export type { Dim, Graph, Node, Shape, Value } from './operator.js';

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
 * @throws MienError `shape` when the name is taken.
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
  return {
    graph,
    id: graph.counter.next++,
    dtype: tensor.dtype,
    shape: tensor.shape,
    node: undefined,
    constant: tensor,
  };
}

/**
 * A scalar constant; equal ones are shared.
 * @throws MienError `shape` when a whole number is needed and this is none.
 */
export function scalar(graph: Graph, value: number, dtype: DType = 'float32'): Value {
  const key = `${dtype} ${Object.is(value, -0) ? '-0' : value}`;
  let found = graph.scalars.get(key);
  if (found === undefined) {
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
    found = constant(graph, tensor);
    graph.scalars.set(key, found);
  }
  return found;
}

/** Runs `build` with `name` added to the place that errors and node names state. */
export function scoped<T>(graph: Graph, name: string, build: () => T): T {
  graph.scopes.push(name);
  try {
    return build();
  } finally {
    graph.scopes.pop();
  }
}

export const formatShape = (shape: Shape): string => `[${shape.join(', ')}]`;

/** The innermost of the graphs that these values belong to. */
export function innermost(values: readonly (Value | undefined)[]): Graph {
  let graph: Graph | undefined;
  for (const value of values)
    if (value !== undefined && (graph === undefined || value.graph.depth > graph.depth)) graph = value.graph;
  if (graph === undefined) throw new MienError('shape', 'an operator needs at least one input');
  return graph;
}

/**
 * Applies an operator: adds a node to the innermost graph of its inputs and returns the outputs.
 * @throws MienError `shape` that names the operator, its place in the model, and the shapes it was given.
 */
export function apply<A>(
  operator: Operator<A>,
  inputs: readonly (Value | undefined)[],
  attributes: A,
): Value[] {
  const graph = innermost(inputs);
  let types;
  try {
    types = operator.infer(inputs as readonly Value[], attributes);
  } catch (cause) {
    throw shapeError(operator.name, inputs, cause);
  }
  const outputs: Value[] = [];
  const scope = graph.scopes.join('.');
  const node: Node = { operator: operator as Operator, inputs, attributes, outputs, scope };
  for (const type of types) outputs.push({ graph, id: graph.counter.next++, ...type, node });
  graph.nodes.push(node);
  return outputs;
}

/** What is thrown when an operator cannot take its inputs: names it, its place in the model and the shapes. */
export function shapeError(name: string, inputs: readonly (Value | undefined)[], cause: unknown): MienError {
  const graph = innermost(inputs);
  const shapes = inputs
    .map((value) => (value ? `${value.dtype} ${formatShape(value.shape)}` : 'none'))
    .join(', ');
  const place = graph.scopes.join('.') || graph.name;
  return new MienError('shape', `${name} in ${place}: ${messageOf(cause)} (inputs: ${shapes})`, { cause });
}

/** The sizes as numbers. @throws MienError `shape` when one is known only at run time. */
export function staticShape(shape: Shape): number[] {
  return shape.map((dim) => {
    if (typeof dim === 'string')
      throw new MienError('shape', `the size of "${dim}" must be known here, got ${formatShape(shape)}`);
    return dim;
  });
}
