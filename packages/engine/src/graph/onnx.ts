// Writes a graph as an ONNX model: names its values, drops what no output needs, encodes with protobuf.
import { create, toBinary } from '@bufbuild/protobuf';
import { MienError } from '../base/errors.js';
import { bytesOf, int64, type DType, type Tensor } from '../base/tensor.js';
import type { Graph, Node, OnnxAttribute, OnnxForm, OnnxInput, Shape, Subgraph, Value } from './graph.js';
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './onnx_pb.js';

/** ONNX operator set and file format version of the models. */
const OPSET = 20n;
const IR_VERSION = 9n;

/** ONNX's numbers of dtypes (`TensorProto.DataType`). */
export const DTYPE_CODES: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
};

/** Names of values; a subgraph sees those of the enclosing graphs. */
type Names = Map<Value, string>;

/** Numbers generated names, skipping names that the caller chose. */
interface Counter {
  next: number;
  readonly taken: ReadonlySet<string>;
}

function fresh(counter: Counter, prefix: string): string {
  const name = `${prefix}${counter.next++}`;
  return counter.taken.has(name) ? fresh(counter, prefix) : name;
}

interface Writer {
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
  readonly names: Names;
  /** Names of small constants by content, so that equal ones are written once. */
  readonly literals: Map<string, string>;
  /** Names of run-time sizes that are already looked up. */
  readonly sizes: Map<string, string>;
  /** Inputs of the outermost graph, from which run-time sizes are read. */
  readonly sources: readonly Value[];
  /** Outputs of the nodes written so far, from which sizes that no input has are read. */
  readonly computed: Value[];
  readonly counter: Counter;
}

/**
 * Encodes a graph that computes `outputs` from its inputs.
 * @throws MienError `shape` if a run-time size that the graph needs is not that of an input or of a value computed before,
 *   or if an output has the name of an input with another value.
 */
export function encodeModel(
  graph: Graph,
  outputs: Readonly<Record<string, Value>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const names: Names = new Map();
  for (const value of graph.inputs) {
    const { input: name } = value;
    if (name === undefined) continue;
    names.set(value, name);
    if (Object.hasOwn(outputs, name) && outputs[name] !== value)
      throw new MienError('shape', `graph ${graph.name} has both an input and an output named ${name}`);
  }
  const proto = encodeGraph(
    { graph, outputs: Object.values(outputs) },
    names,
    graph.inputs,
    { next: 0, taken: new Set([...names.values(), ...Object.keys(outputs)]) },
    Object.keys(outputs),
  );
  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: 'mien',
    opsetImport: [
      { domain: '', version: OPSET },
      { domain: 'com.microsoft', version: 1n },
    ],
    graph: proto,
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  return toBinary(ModelProtoSchema, model);
}

function encodeGraph(
  { graph, outputs }: Subgraph,
  enclosing: Names,
  sources: readonly Value[],
  counter: Counter,
  outputNames?: readonly string[],
): GraphProto {
  const writer: Writer = {
    nodes: [],
    initializers: [],
    names: new Map(enclosing),
    literals: new Map(),
    sizes: new Map(),
    sources,
    computed: [],
    counter,
  };
  const named = outputs.map((value, i) => ({ value, name: outputNames?.[i] ?? fresh(counter, 'o') }));
  const inputs = graph.inputs.map((value) => ({ value, name: nameFor(writer, value) }));
  // Computed outputs get their names at once: an Identity after the node would be a copy.
  for (const { value, name } of named)
    if (value.node && value.graph === graph && !writer.names.has(value)) writer.names.set(value, name);
  for (const node of neededNodes({ graph, outputs })) writeNode(writer, node);
  for (const { value, name } of named) {
    const source = nameOf(writer, value);
    if (source !== name) writeForm(writer, 'output', { type: 'Identity' }, [source], [name]);
  }
  return create(GraphProtoSchema, {
    name: graph.name,
    node: writer.nodes,
    initializer: writer.initializers,
    input: inputs.map(valueInfo),
    output: named.map(valueInfo),
  });
}

/** The nodes of this graph that its outputs depend on, in order. */
function neededNodes({ graph, outputs }: Subgraph): Node[] {
  const needed = new Set<Value>(outputs);
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    nodes.push(node);
    for (const value of usedValues(node)) needed.add(value);
  }
  return nodes.reverse();
}

/** A node's inputs, and for a Scan also the values of enclosing graphs that its body uses. */
function usedValues({ inputs, attributes }: Node): Value[] {
  const { body } = attributes as { body?: Subgraph };
  if (body === undefined) return [...inputs];
  const inside = [...body.outputs, ...neededNodes(body).flatMap(usedValues)];
  return [...inputs, ...inside.filter(({ graph }) => graph.depth < body.graph.depth)];
}

function writeNode(writer: Writer, { operator, inputs, attributes, outputs, scope }: Node): void {
  const form: OnnxForm = operator.lower?.(inputs, attributes, outputs) ?? { type: operator.name, inputs };
  const inputNames = form.inputs.map((part) => (part === undefined ? '' : inputName(writer, part)));
  const outputNames = outputs.map((value) => nameFor(writer, value));
  writeForm(writer, scope, form, inputNames, outputNames);
  writer.computed.push(...outputs);
}

function inputName(writer: Writer, part: OnnxInput): string {
  if ('graph' in part) return nameOf(writer, part);
  if ('dims' in part) return dimsName(writer, part.dims);
  return literal(writer, part);
}

/** The name of a value that is defined here: a new one unless it has one already. */
function nameFor({ names, counter }: Writer, value: Value): string {
  const name = names.get(value) ?? fresh(counter, 'v');
  names.set(value, name);
  return name;
}

/** The name of a value that is used. */
function nameOf(writer: Writer, value: Value): string {
  const known = writer.names.get(value);
  if (known !== undefined) return known;
  if (value.constant === undefined)
    throw new MienError('shape', `value ${value.id} is used before it is computed`);
  const name = literal(writer, value.constant);
  writer.names.set(value, name);
  return name;
}

/** Writes a constant, once if it is small, and returns its name. */
function literal(writer: Writer, tensor: Tensor): string {
  const { dtype, shape, data } = tensor;
  const key = data.length <= 16 ? `${dtype} [${shape.join()}] ${data.join()}` : undefined;
  const known = key === undefined ? undefined : writer.literals.get(key);
  if (known !== undefined) return known;
  const name = fresh(writer.counter, 'c');
  writer.initializers.push(
    create(TensorProtoSchema, {
      name,
      dims: shape.map(BigInt),
      dataType: DTYPE_CODES[dtype],
      rawData: bytesOf(tensor),
    }),
  );
  if (key !== undefined) writer.literals.set(key, name);
  return name;
}

/** A shape as an int64 tensor; sizes known only at run time are read off the inputs. */
function dimsName(writer: Writer, dims: Shape): string {
  const known = dims.filter((dim) => typeof dim === 'number');
  if (known.length === dims.length) return literal(writer, int64([dims.length], known));
  const parts = dims.map((dim) =>
    typeof dim === 'number' ? literal(writer, int64([1], [dim])) : sizeName(writer, dim),
  );
  const name = fresh(writer.counter, 'v');
  writeForm(writer, 'shape', { type: 'Concat', attributes: { axis: 0 } }, parts, [name]);
  return name;
}

function sizeName(writer: Writer, dim: string): string {
  const known = writer.sizes.get(dim);
  if (known !== undefined) return known;
  const hasSize = ({ shape }: Value): boolean => shape.includes(dim);
  const source = writer.sources.find(hasSize) ?? writer.computed.find(hasSize);
  if (source === undefined)
    throw new MienError('shape', `the size "${dim}" is needed but no input or earlier value has it`);
  const axis = source.shape.indexOf(dim);
  const name = fresh(writer.counter, 'v');
  const form = { type: 'Shape', attributes: { start: axis, end: axis + 1 } };
  writeForm(writer, 'shape', form, [nameOf(writer, source)], [name]);
  writer.sizes.set(dim, name);
  return name;
}

/** Writes a node with the names of its inputs and outputs. */
function writeForm(
  writer: Writer,
  scope: string,
  { type, domain = '', attributes = {} }: Omit<OnnxForm, 'inputs'>,
  input: string[],
  output: string[],
): void {
  writer.nodes.push(
    create(NodeProtoSchema, {
      opType: type,
      domain,
      input,
      output,
      name: `${scope ? `${scope}/` : ''}${type} ${writer.counter.next++}`,
      attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value, writer)),
    }),
  );
}

function attributeProto(name: string, value: OnnxAttribute, writer: Writer): AttributeProto {
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  if (typeof value === 'string')
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      s: new TextEncoder().encode(value),
    });
  if ('float' in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  if ('dtype' in value) return attributeProto(name, DTYPE_CODES[value.dtype], writer);
  if ('graph' in value) {
    const g = encodeGraph(value.graph, writer.names, writer.sources, writer.counter);
    return create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g });
  }
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}

function valueInfo({ name, value }: { name: string; value: Value }): ValueInfoProto {
  const dim = value.shape.map((size) => ({
    value:
      typeof size === 'number'
        ? { case: 'dimValue' as const, value: BigInt(size) }
        : { case: 'dimParam' as const, value: size },
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: DTYPE_CODES[value.dtype], shape: { dim } } } },
  });
}
