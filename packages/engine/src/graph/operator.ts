// What a graph consists of: values, nodes, and operators with their shape rule, ONNX form and gradient in one place.
import type { DType, Tensor } from '../base/tensor.js';

/** A known size, or the name of a size that is known only when the graph runs (`batch`, `tokens`). */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** A tensor that will exist when the graph runs: an input, a constant, or an output of a node. */
export interface Value {
  readonly graph: Graph;
  readonly id: number;
  readonly dtype: DType;
  readonly shape: Shape;
  /** The node that computes it; undefined for inputs and constants. */
  readonly node: Node | undefined;
  /** Set for inputs. */
  readonly input?: string;
  /** Set for constants. */
  readonly constant?: Tensor;
}

/** One application of an operator. */
export interface Node {
  readonly operator: Operator;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: unknown;
  readonly outputs: readonly Value[];
  /** Where in the model it stands, for instance `encoder.layer.0.attention`. */
  readonly scope: string;
}

export interface Graph {
  readonly name: string;
  /** The graph around it, for the body of a Scan; its values may be used inside. */
  readonly parent: Graph | undefined;
  readonly depth: number;
  readonly inputs: Value[];
  /** In the order they were added, which is a topological order. */
  readonly nodes: Node[];
  readonly scopes: string[];
  readonly scalars: Map<string, Value>;
  readonly counter: { next: number };
}

export interface ValueType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A value of an ONNX attribute: float numbers are wrapped to tell them from integers. */
export type OnnxAttribute = number | readonly number[] | string | { float: number } | { graph: LoweredGraph };

/** A Scan body: its graph and what it gives back, in order. */
export interface LoweredGraph {
  readonly graph: Graph;
  readonly outputs: readonly Value[];
}

/** An ONNX node before its inputs and outputs are named. */
export interface OnnxForm {
  readonly type: string;
  /** Empty for standard operators. */
  readonly domain?: string;
  readonly inputs: readonly (OnnxInput | undefined)[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** A value, a constant tensor, or a shape that may hold sizes known only at run time. */
export type OnnxInput = Value | Tensor | { readonly dims: Shape };

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- attributes differ by operator; each rule is typed where it is defined
export interface Operator<A = any> {
  readonly name: string;
  /** Types of the outputs; throws an Error with the reason when the inputs do not fit. */
  readonly infer: (inputs: readonly Value[], attributes: A) => readonly ValueType[];
  /** The ONNX node; by default one of the operator's name with its inputs and without attributes. */
  readonly lower?: (
    inputs: readonly (Value | undefined)[],
    attributes: A,
    outputs: readonly Value[],
  ) => OnnxForm;
  /**
   * Gradients of the inputs from those of the outputs (vector–Jacobian product). `dy` is the first output's,
   * `dys` holds all; an output that nothing depends on has undefined. Undefined for an input without a gradient.
   * A gradient may still have the axes along which its input was broadcast: whoever asks for it sums over them.
   */
  readonly gradient?: (
    dy: Value,
    node: TypedNode<A>,
    dys: readonly (Value | undefined)[],
  ) => readonly (Value | undefined)[];
}

/** A node as gradient rules see it: inputs present, attributes typed. */
export interface TypedNode<A> extends Omit<Node, 'inputs' | 'attributes'> {
  readonly inputs: readonly Value[];
  readonly attributes: A;
}

/** Defines an operator; the identity function, there to infer and check types. */
export const operator = <A = Record<string, never>>(definition: Operator<A>): Operator<A> => definition;

/** Attributes of operators that have none. */
export const NONE: Record<string, never> = {};
