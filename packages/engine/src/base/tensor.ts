// The one tensor type of the whole house: a dtype, a shape and a typed array in row-major order.
import { MienError } from './errors.js';

export type DType = 'float32' | 'float16' | 'int64' | 'int32' | 'uint8' | 'int8' | 'bool';

/** What a tensor of each dtype keeps its elements in (`float16` as raw bits, `bool` as 0 and 1). */
export interface TypedArrays {
  float32: Float32Array;
  float16: Uint16Array;
  int64: BigInt64Array;
  int32: Int32Array;
  uint8: Uint8Array;
  int8: Int8Array;
  bool: Uint8Array;
}

export interface Tensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: TypedArrays[D];
}

export type Tensors = Readonly<Record<string, Tensor>>;

const constructors = {
  float32: Float32Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  bool: Uint8Array,
} as const;

export const bytesPerElement = (dtype: DType): number => constructors[dtype].BYTES_PER_ELEMENT;

/** Number of elements of a shape; 1 for a scalar (`[]`). */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, dim) => product * dim, 1);

/**
 * A tensor over existing data.
 * @throws MienError `shape` when the array's length is not the product of the shape.
 */
export function tensor<D extends DType>(dtype: D, shape: readonly number[], data: TypedArrays[D]): Tensor<D> {
  if (data.length !== sizeOf(shape))
    throw new MienError(
      'shape',
      `a ${dtype} tensor [${shape.join(', ')}] holds ${sizeOf(shape)} elements, got ${data.length}`,
    );
  return { dtype, shape, data };
}

export const float32 = (shape: readonly number[], data: ArrayLike<number>): Tensor<'float32'> =>
  tensor('float32', shape, data instanceof Float32Array ? data : Float32Array.from(data));

export const int64 = (shape: readonly number[], data: ArrayLike<number>): Tensor<'int64'> =>
  tensor('int64', shape, BigInt64Array.from(data, BigInt));

export const int32 = (shape: readonly number[], data: ArrayLike<number>): Tensor<'int32'> =>
  tensor('int32', shape, data instanceof Int32Array ? data : Int32Array.from(data));

export function zeros<D extends DType>(dtype: D, shape: readonly number[]): Tensor<D> {
  return { dtype, shape, data: new constructors[dtype](sizeOf(shape)) as TypedArrays[D] };
}

/** The elements as an array of a realm, as `instanceof` knows it there; not copied. */
export function arrayIn<D extends DType>(
  realm: typeof globalThis,
  dtype: D,
  data: { readonly buffer: ArrayBufferLike; readonly byteOffset: number; readonly length: number },
): TypedArrays[D] {
  const { name } = constructors[dtype];
  const Constructor = (realm as unknown as typeof constructors)[name as never] as Uint8ArrayConstructor;
  const array =
    data instanceof Constructor ? data : new Constructor(data.buffer, data.byteOffset, data.length);
  return array as TypedArrays[D];
}

/** Rows of a matrix `[n, width]`, in the order of their indices. */
export function takeRows({ shape, data }: Tensor<'float32'>, rows: ArrayLike<number>): Tensor<'float32'> {
  const width = shape[1]!;
  const out = new Float32Array(rows.length * width);
  for (let i = 0; i < rows.length; i++)
    out.set(data.subarray(rows[i]! * width, (rows[i]! + 1) * width), i * width);
  return float32([rows.length, width], out);
}

/** The rows of several matrices `[…, width]`, one's after the other's. */
export function stackRows(parts: readonly Tensor<'float32'>[]): Tensor<'float32'> {
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  const width = parts[0]!.shape[1]!;
  return float32([data.length / width, width], data);
}

/** The elements' bytes, without a copy. */
export const bytesOf = (value: Tensor): Uint8Array =>
  new Uint8Array(value.data.buffer, value.data.byteOffset, value.data.byteLength);

/** A typed array over bytes; copied only where the bytes are not aligned to the element size. */
export function fromBytes<D extends DType>(dtype: D, shape: readonly number[], bytes: Uint8Array): Tensor<D> {
  const Constructor = constructors[dtype];
  const aligned = bytes.byteOffset % Constructor.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  const length = aligned.byteLength / Constructor.BYTES_PER_ELEMENT;
  return tensor(
    dtype,
    shape,
    new Constructor(aligned.buffer as ArrayBuffer, aligned.byteOffset, length) as TypedArrays[D],
  );
}
