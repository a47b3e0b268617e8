// Reads an ONNX file back as plain data: the weights of a bundle are in its models and nowhere else.
import { fromBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  type TensorProto,
} from './onnx_pb.js';
import { type DType, fromBytes, type Tensor } from '../base/tensor.js';
import { MienError } from '../base/errors.js';
import { onnxType } from './ops/elementwise.js';

type Attribute = number | string | readonly number[];

/** One node; inputs that are left out are empty names. */
export interface ModelNode {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface Model {
  /** What to call it in errors. */
  readonly file: string;
  /** In topological order. */
  readonly nodes: readonly ModelNode[];
  readonly constants: ReadonlyMap<string, Tensor>;
}

const DTYPES: readonly DType[] = ['float32', 'float16', 'int64', 'int32', 'uint8', 'int8', 'bool'];

/** The dtype with ONNX's number (`TensorProto.DataType`); undefined for one that mien does not know. */
export const dtypeOf = (code: number): DType | undefined => DTYPES.find((dtype) => onnxType(dtype) === code);

/**
 * Reads a model that mien wrote. Weights are views of the bytes where their alignment allows.
 * @throws MienError `format` when the bytes are no model, or hold what `encodeModel` does not write.
 */
export function readModel(bytes: Uint8Array, file: string): Model {
  let graph;
  try {
    // Node's Buffer slices without copying, which what is not aligned needs.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    ({ graph } = fromBinary(ModelProtoSchema, plain));
  } catch (cause) {
    throw new MienError('format', 'is no ONNX model', { file, cause });
  }
  if (graph === undefined) throw new MienError('format', 'is no ONNX model', { file });
  return {
    file,
    nodes: graph.node.map(({ opType, input, output, attribute }) => ({
      type: opType,
      inputs: input,
      outputs: output,
      attributes: Object.fromEntries(attribute.map((one) => [one.name, attributeOf(one, file)])),
    })),
    constants: new Map(graph.initializer.map((one) => [one.name, tensorOf(one, file)])),
  };
}

function tensorOf({ name, dims, dataType, rawData }: TensorProto, file: string): Tensor {
  const dtype = dtypeOf(dataType);
  if (dtype === undefined)
    throw new MienError('format', `holds numbers of a kind that is not read (${dataType})`, {
      file,
      field: name,
    });
  return fromBytes(dtype, dims.map(Number), rawData);
}

function attributeOf({ name, type, i, f, s, ints }: AttributeProto, file: string): Attribute {
  if (type === AttributeType.INT) return Number(i);
  if (type === AttributeType.FLOAT) return f;
  if (type === AttributeType.STRING) return new TextDecoder().decode(s);
  if (type === AttributeType.INTS) return ints.map(Number);
  throw new MienError('format', 'is an attribute of a kind that is not read', { file, field: name });
}
