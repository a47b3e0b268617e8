// The tensor type of all packages: a dtype, a shape and a typed array in row-major order; and 16-bit floats.
import { MienError } from './errors.js';

export type DType = 'float32' | 'float16' | 'int64' | 'int32' | 'uint8' | 'int8' | 'bool';

/** The typed array that holds the elements of each dtype (`float16` as raw bits, `bool` as 0 and 1). */
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
 * @throws MienError `shape` if the array's length is not the product of the shape.
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

/** The elements as a typed array of the given realm (`instanceof` holds there), without a copy. */
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

/** The rows of several matrices `[…, width]`, concatenated. */
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

/** A tensor over bytes; copied only if the bytes are not aligned to the element size. */
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

/** float32 values of IEEE half-precision bit patterns; exact, including subnormals, infinities and NaN. */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const value = bits[i]!;
    const sign = value & 0x8000 ? -1 : 1;
    const exponent = (value >>> 10) & 0x1f;
    const fraction = value & 0x3ff;
    if (exponent === 0) out[i] = sign * fraction * 2 ** -24;
    else if (exponent === 31) out[i] = fraction === 0 ? sign * Infinity : NaN;
    else out[i] = sign * (1024 + fraction) * 2 ** (exponent - 25);
  }
  return out;
}

/** float32 values of bfloat16 bit patterns: the upper half of a float32, so the widening is a shift. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return new Float32Array(words.buffer);
}

/** IEEE half-precision bit patterns, rounded to nearest even; values out of range become infinite. */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const sign = (word >>> 16) & 0x8000;
    const magnitude = word & 0x7fffffff;
    if (magnitude > 0x7f800000) out[i] = sign | 0x7e00;
    else if (magnitude >= 0x477ff000) out[i] = sign | 0x7c00;
    else if (magnitude < 0x38800000) {
      // Subnormal in half precision: a multiple of 2^-24, rounded explicitly.
      const scaled = Math.abs(values[i]!) * 2 ** 24;
      const floor = Math.floor(scaled);
      const rest = scaled - floor;
      out[i] = sign | (floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0));
    } else {
      const odd = (magnitude >>> 13) & 1;
      out[i] = sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13);
    }
  }
  return out;
}
