// Writes a graph as an ONNX model: names its values, drops what no output needs, encodes with protobuf.
import { create, toBinary } from '@bufbuild/protobuf';
import { MienError } from '../base/errors.js';
import { bytesOf, int64, type Tensor } from '../base/tensor.js';
import type { Graph, Node, Shape, Value } from './builder.js';
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
import type { LoweredGraph, OnnxAttribute, OnnxForm, OnnxInput } from './operator.js';
import { onnxType } from './ops/elementwise.js';

/** ONNX operator set and file format version of what is written. */
const OPSET = 20n;
const IR_VERSION = 9n;

/** Names of values; those of a graph's surroundings are seen inside it. */
type Names = Map<Value, string>;

/** Numbers names that the caller did not choose; names that the caller chose are taken. */
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
  /** Small constants by content, so that equal ones are written once. */
  readonly literals: Map<string, string>;
  /** Names of run-time sizes that are already looked up. */
  readonly sizes: Map<string, string>;
  /** Inputs of the outermost graph, where run-time sizes come from. */
  readonly sources: readonly Value[];
  readonly counter: Counter;
}

/**
 * Encodes a graph that computes `outputs` from its inputs.
 * @throws MienError `shape` when a run-time size that the graph needs is not the size of any input, or when an output
 *   has the name of an input that it is not.
 */
export function encodeModel(
  graph: Graph,
  outputs: Readonly<Record<string, Value>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const names: Names = new Map(graph.inputs.map((value) => [value, value.input!]));
  for (const [name, value] of Object.entries(outputs))
    if (graph.inputs.some((other) => other.input === name && other !== value))
      throw new MienError('shape', `graph ${graph.name} has both an input and an output named ${name}`);
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
  { graph, outputs }: LoweredGraph,
  surroundings: Names,
  sources: readonly Value[],
  counter: Counter,
  outputNames: readonly string[] = outputs.map(() => fresh(counter, 'o')),
): GraphProto {
  const writer: Writer = {
    nodes: [],
    initializers: [],
    names: new Map(surroundings),
    literals: new Map(),
    sizes: new Map(),
    sources,
    counter,
  };
  for (const value of graph.inputs)
    if (!writer.names.has(value)) writer.names.set(value, fresh(counter, 'v'));
  // Computed outputs get their names at once: an Identity behind a node would copy what it passes on.
  outputs.forEach((value, i) => {
    if (value.node && value.graph === graph && !writer.names.has(value))
      writer.names.set(value, outputNames[i]!);
  });
  for (const node of neededNodes({ graph, outputs })) writeNode(writer, node);
  outputs.forEach((value, i) => {
    const source = nameOf(writer, value);
    if (source !== outputNames[i])
      writer.nodes.push(nodeProto('Identity', '', [source], [outputNames[i]!], 'output', {}, writer));
  });
  return create(GraphProtoSchema, {
    name: graph.name,
    node: writer.nodes,
    initializer: writer.initializers,
    input: graph.inputs.map((value) => valueInfo(writer.names.get(value)!, value)),
    output: outputs.map((value, i) => valueInfo(outputNames[i]!, value)),
  });
}

/** The nodes of this graph that its outputs depend on, in order. */
function neededNodes({ graph, outputs }: LoweredGraph): Node[] {
  const needed = new Set<Value>(outputs);
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    nodes.push(node);
    for (const value of usedValues(node)) needed.add(value);
  }
  return nodes.reverse();
}

/** A node's inputs, and for a Scan also what its body takes from around it. */
function usedValues(node: Node): Value[] {
  const used = node.inputs.filter((value) => value !== undefined);
  const body = (node.attributes as { body?: LoweredGraph }).body;
  if (body === undefined) return used;
  const inside = [...body.outputs, ...neededNodes(body).flatMap(usedValues)];
  return [...used, ...inside.filter((value) => value.graph.depth < body.graph.depth)];
}

function writeNode(writer: Writer, node: Node): void {
  const form: OnnxForm = node.operator.lower?.(node.inputs, node.attributes, node.outputs) ?? {
    type: node.operator.name,
    inputs: node.inputs,
  };
  const inputs = form.inputs.map((part) => (part === undefined ? '' : inputName(writer, part)));
  const outputs = node.outputs.map((value) => {
    if (!writer.names.has(value)) writer.names.set(value, fresh(writer.counter, 'v'));
    return writer.names.get(value)!;
  });
  writer.nodes.push(
    nodeProto(form.type, form.domain ?? '', inputs, outputs, node.scope, form.attributes ?? {}, writer),
  );
}

function inputName(writer: Writer, part: OnnxInput): string {
  if ('graph' in part) return nameOf(writer, part);
  if ('dims' in part) return dimsName(writer, part.dims);
  return literal(writer, part);
}

function nameOf(writer: Writer, value: Value): string {
  const known = writer.names.get(value);
  if (known !== undefined) return known;
  if (value.constant === undefined)
    throw new MienError('shape', `value ${value.id} is used before it is computed`);
  const name = literal(writer, value.constant);
  writer.names.set(value, name);
  return name;
}

/** Writes a constant once and returns its name. */
function literal(writer: Writer, tensor: Tensor): string {
  const key =
    tensor.data.length <= 16 ? `${tensor.dtype} [${tensor.shape.join()}] ${tensor.data.join()}` : undefined;
  const known = key === undefined ? undefined : writer.literals.get(key);
  if (known !== undefined) return known;
  const name = fresh(writer.counter, 'c');
  writer.initializers.push(
    create(TensorProtoSchema, {
      name,
      dims: tensor.shape.map(BigInt),
      dataType: onnxType(tensor.dtype),
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
  writer.nodes.push(nodeProto('Concat', '', parts, [name], 'shape', { axis: 0 }, writer));
  return name;
}

function sizeName(writer: Writer, dim: string): string {
  const known = writer.sizes.get(dim);
  if (known !== undefined) return known;
  const source = writer.sources.find((value) => value.shape.includes(dim));
  if (source === undefined)
    throw new MienError('shape', `the size "${dim}" is needed but is not the size of any input`);
  const axis = source.shape.indexOf(dim);
  const name = fresh(writer.counter, 'v');
  writer.nodes.push(
    nodeProto(
      'Shape',
      '',
      [writer.names.get(source)!],
      [name],
      'shape',
      { start: axis, end: axis + 1 },
      writer,
    ),
  );
  writer.sizes.set(dim, name);
  return name;
}

function nodeProto(
  type: string,
  domain: string,
  inputs: readonly string[],
  outputs: readonly string[],
  scope: string,
  attributes: Readonly<Record<string, OnnxAttribute>>,
  writer: Writer,
): NodeProto {
  return create(NodeProtoSchema, {
    opType: type,
    domain,
    input: [...inputs],
    output: [...outputs],
    name: `${scope ? `${scope}/` : ''}${type} ${writer.counter.next++}`,
    attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value, writer)),
  });
}

function attributeProto(name: string, value: OnnxAttribute, writer: Writer): AttributeProto {
  const utf8 = (text: string) => new TextEncoder().encode(text);
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  if (typeof value === 'string')
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: utf8(value) });
  if ('float' in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  if ('graph' in value) {
    const g = encodeGraph(value.graph, writer.names, writer.sources, writer.counter);
    return create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g });
  }
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}

function valueInfo(name: string, value: Value): ValueInfoProto {
  const dim = value.shape.map((size) => ({
    value:
      typeof size === 'number'
        ? { case: 'dimValue' as const, value: BigInt(size) }
        : { case: 'dimParam' as const, value: size },
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: onnxType(value.dtype), shape: { dim } } } },
  });
}
