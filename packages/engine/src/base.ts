/**
 * Tensors, errors, random streams and checked options: the part of mien-engine without graphs and sessions.
 * @module mien-engine/base
 */
export { defined, forEachParallel, inBatches, indicesBy, itemsAt, memoized } from './base/collections.js';
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
export {
  type ErrorCode,
  type ErrorPlace,
  describeType,
  messageOf,
  MienError,
  quoted,
  repeated,
  tagOf,
} from './base/errors.js';
export {
  abortSignal,
  anything,
  callback,
  checkOptions,
  distance,
  flag,
  type Kinds,
  list,
  nearestName,
  number,
  oneOf,
  suggestion,
  text,
  wholeNumber,
  withDefaults,
} from './base/options.js';
export { randomStream, type RandomStream } from './base/random.js';
export { encodeSafetensors, readSafetensors } from './base/safetensors.js';
export {
  bytesOf,
  type DType,
  float16ToFloat32,
  float32,
  float32ToFloat16,
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
