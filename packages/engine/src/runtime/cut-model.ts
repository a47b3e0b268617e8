// Reduces a model to some of its outputs. Works on the bytes, so that pages which only run models load no protobuf library.
import { memoized } from '../base/collections.js';
import { MienError } from '../base/errors.js';

/** Field numbers of onnx.proto. */
const GRAPH = 7;
const NODE = 1;
const INITIALIZER = 5;
const INPUT = 11;
const OUTPUT = 12;
const TENSOR_NAME = 8;
const VALUE_NAME = 1;
const NODE_INPUT = 1;
const NODE_OUTPUT = 2;
const NODE_ATTRIBUTE = 5;
const ATTRIBUTE_GRAPH = 6;

/** A field of a message: its number, its content, and all of its bytes with tag and length. */
interface Field {
  readonly number: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

/** The names of a model's outputs, in order. @throws MienError `format` if the bytes are not a model. */
export const outputsOf = (model: Uint8Array): string[] =>
  graphOf(model)
    .inside.filter(({ number }) => number === OUTPUT)
    .map(({ content }) => nameIn(content, VALUE_NAME));

/**
 * A model that computes only `outputs`, in the order of the original: without the nodes, constants and inputs that these
 * do not need. ONNX Runtime computes every node, whichever outputs are asked for. The bytes must not be changed afterwards.
 * @throws MienError `format` if the bytes are not a model, `shape` if it lacks one of the outputs.
 */
export function cutModel(model: Uint8Array, outputs: readonly string[]): Uint8Array {
  const { fields, graph, inside } = graphOf(model);
  const names = outputsOf(model);
  const missing = outputs.find((name) => !names.includes(name));
  if (missing !== undefined)
    throw new MienError('shape', `the model has no output "${missing}"`, {
      hint: `It has ${names.join(', ')}.`,
    });
  const needed = new Set(outputs);
  const kept = new Set<Field>();
  for (const field of inside.toReversed()) {
    if (field.number !== NODE) continue;
    if (!namesIn(field.content, NODE_OUTPUT).some((name) => needed.has(name))) continue;
    kept.add(field);
    for (const name of usedBy(field.content)) needed.add(name);
  }
  const isKept = (field: Field): boolean => {
    if (field.number === NODE) return kept.has(field);
    if (field.number === OUTPUT) return outputs.includes(nameIn(field.content, VALUE_NAME));
    if (field.number === INPUT) return needed.has(nameIn(field.content, VALUE_NAME));
    return field.number !== INITIALIZER || needed.has(nameIn(field.content, TENSOR_NAME));
  };
  const content = joined(inside.filter(isKept).map(({ whole }) => whole));
  const others = fields.filter((field) => field !== graph).map(({ whole }) => whole);
  return joined([
    ...others,
    Uint8Array.from(varint(GRAPH * 8 + 2)),
    Uint8Array.from(varint(content.length)),
    content,
  ]);
}

interface ModelFields {
  readonly fields: readonly Field[];
  readonly graph: Field;
  /** Those of the graph. */
  readonly inside: readonly Field[];
}

/** Kept as long as the model, since several parts are cut from it. */
const graphOf = memoized((model: Uint8Array): ModelFields => {
  const fields = fieldsOf(model);
  const graph = fields.find(({ number }) => number === GRAPH);
  if (!graph) throw notAModel();
  return { fields, graph, inside: fieldsOf(graph.content) };
});

const notAModel = (): MienError => new MienError('format', 'the bytes are not an ONNX model');

/** The values that a node reads, those in the bodies of its attributes included. */
function usedBy(node: Uint8Array): string[] {
  const bodies = fieldsOf(node)
    .filter(({ number }) => number === NODE_ATTRIBUTE)
    .flatMap(({ content }) => fieldsOf(content).filter(({ number }) => number === ATTRIBUTE_GRAPH));
  const inside = bodies.flatMap(({ content }) => fieldsOf(content));
  return [
    ...namesIn(node, NODE_INPUT),
    ...inside.filter(({ number }) => number === NODE).flatMap(({ content }) => usedBy(content)),
    ...inside.filter(({ number }) => number === OUTPUT).map(({ content }) => nameIn(content, VALUE_NAME)),
  ];
}

const namesIn = (message: Uint8Array, field: number): string[] =>
  fieldsOf(message)
    .filter(({ number }) => number === field)
    .map(({ content }) => new TextDecoder().decode(content));

const nameIn = (message: Uint8Array, field: number): string => namesIn(message, field)[0] ?? '';

/** The fields of a message, unread: a number has no content. */
function fieldsOf(message: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      if (byte === undefined) throw notAModel();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const start = at;
    const tag = number();
    const wire = tag % 8;
    let from = at;
    if (wire === 0) number();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = number();
      from = at;
      at += length;
    } else throw notAModel();
    if (at > message.length) throw notAModel();
    const content = wire === 2 ? message.subarray(from, at) : new Uint8Array();
    fields.push({ number: Math.floor(tag / 8), content, whole: message.subarray(start, at) });
  }
  return fields;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return [...bytes, value];
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
