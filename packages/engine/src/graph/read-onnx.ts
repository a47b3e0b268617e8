// Reads an ONNX file back as plain data: a bundle's weights are only in its models.
import { fromBinary } from '@bufbuild/protobuf';
import { MienError } from '../base/errors.js';
import { fromBytes, type DType, type Tensor } from '../base/tensor.js';
import { DTYPE_CODES } from './onnx.js';
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  type TensorProto,
} from './onnx_pb.js';

type Attribute = number | string | readonly number[];

/** One node; omitted inputs are empty names. */
export interface ModelNode {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface Model {
  /** Its name in errors. */
  readonly file: string;
  /** In topological order. */
  readonly nodes: readonly ModelNode[];
  readonly constants: ReadonlyMap<string, Tensor>;
}

/** The dtype with ONNX's number (`TensorProto.DataType`); undefined for one that mien does not support. */
export const dtypeOf = (code: number): DType | undefined =>
  (Object.keys(DTYPE_CODES) as DType[]).find((dtype) => DTYPE_CODES[dtype] === code);

/**
 * Reads a model that mien wrote. Weights are views of the bytes where alignment allows it.
 * @throws MienError `format` if the bytes are not a model, or contain what `encodeModel` does not write.
 */
export function readModel(bytes: Uint8Array, file: string): Model {
  let graph;
  try {
    // Unaligned tensors are copied by slice(), which in Node's Buffer does not copy.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    ({ graph } = fromBinary(ModelProtoSchema, plain));
  } catch (cause) {
    throw new MienError('format', 'is not an ONNX model', { file, cause });
  }
  if (graph === undefined) throw new MienError('format', 'is not an ONNX model', { file });
  return {
    file,
    nodes: graph.node.map(({ opType, input, output, attribute }) => ({
      type: opType,
      inputs: input,
      outputs: output,
      attributes: Object.fromEntries(attribute.map((proto) => [proto.name, attributeOf(proto, file)])),
    })),
    constants: new Map(graph.initializer.map((proto) => [proto.name, tensorOf(proto, file)])),
  };
}

function tensorOf({ name, dims, dataType, rawData }: TensorProto, file: string): Tensor {
  const dtype = dtypeOf(dataType);
  if (dtype === undefined)
    throw new MienError('format', `has an unsupported data type (${dataType})`, {
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
  throw new MienError('format', 'is an attribute of an unsupported type', { file, field: name });
}
