/**
 * Tensors, errors, random streams and checked options, without what builds or runs graphs.
 * @module mien-engine/base
 */
export { inBatches, indicesBy } from './base/batches.js';
export {
  type BadByte,
  badText,
  badTextError,
  type Decoded,
  decodeLines,
  decodeParts,
  type Fault,
  faultError,
  notText,
} from './base/decode.js';
export { type ErrorCode, type ErrorPlace, messageOf, MienError } from './base/errors.js';
export { float16ToFloat32, float32ToFloat16 } from './base/half.js';
export { defined } from './base/defined.js';
export { distance, nearestName, suggestion } from './base/names.js';
export {
  abortSignal,
  anything,
  callback,
  checkOptions,
  flag,
  type Kinds,
  list,
  number,
  oneOf,
  text,
  wholeNumber,
} from './base/options.js';
export { kindOf, quoted, repeated, tagOf } from './base/quote.js';
export { randomStream, type RandomStream } from './base/random.js';
export { encodeSafetensors, readSafetensors } from './base/safetensors.js';
export {
  bytesOf,
  type DType,
  float32,
  fromBytes,
  int32,
  int64,
  sizeOf,
  stackRows,
  takeRows,
  type Tensor,
  tensor,
  type Tensors,
  zeros,
} from './base/tensor.js';
