// Safetensors, the file format of weights, features and checkpoints: a validating reader and a deterministic writer.
// Without Node's modules, so that browsers read the same files; `safetensors-file.ts` adds the file system.
// Source: the format's description in github.com/huggingface/safetensors (README, "Format").
import { defined } from './collections.js';
import { MienError } from './errors.js';
import {
  bfloat16ToFloat32,
  bytesOf,
  bytesPerElement,
  float16ToFloat32,
  float32,
  fromBytes,
  sizeOf,
  type DType,
  type Tensor,
  type Tensors,
} from './tensor.js';

/** Bits per element of each stored dtype. Not all of them can be read. */
const STORED_BITS: Readonly<Record<string, number>> = {
  F64: 64,
  F32: 32,
  F16: 16,
  BF16: 16,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  I64: 64,
  I32: 32,
  I16: 16,
  I8: 8,
  U64: 64,
  U32: 32,
  U16: 16,
  U8: 8,
  BOOL: 8,
};

const READABLE_DTYPES: Readonly<Record<string, DType>> = {
  F32: 'float32',
  F16: 'float16',
  I64: 'int64',
  I32: 'int32',
  U8: 'uint8',
  I8: 'int8',
  BOOL: 'bool',
};

const STORED_DTYPES = Object.fromEntries(
  Object.entries(READABLE_DTYPES).map(([stored, dtype]) => [dtype, stored]),
) as Record<DType, string>;

/** Bytes before the header: its length as an unsigned 64-bit little-endian integer. */
export const PREFIX_BYTES = 8;
/** Longer headers are refused as damaged or malicious; the reference implementation has the same limit. */
const MAX_HEADER_BYTES = 100_000_000;
const METADATA = '__metadata__';

/** A tensor's position in the data section, which begins at `SafetensorsHeader.dataStart`. */
export interface TensorEntry {
  /** Dtype as named in the file, for instance `BF16`. */
  readonly stored: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Offset of the data section in the file. */
  readonly dataStart: number;
}

export interface ReadOptions {
  /** Only these tensors; all by default. */
  names?: readonly string[];
  /** Converts F16 and BF16 to float32 exactly, F64 with rounding. BF16 and F64 cannot be read otherwise. */
  floats?: 'float32';
  /** Name of the file in errors. */
  file?: string;
}

type Place = { file?: string | undefined; field?: string | undefined };

function formatError(message: string, { file, field }: Place, cause?: unknown): MienError {
  return new MienError('format', message, {
    ...defined({ file, field }),
    hint: 'The file is not safetensors or is damaged: download or write it again.',
    cause,
  });
}

/**
 * Length of the header from the file's first eight bytes.
 * @throws MienError `format` if the file is too short or the length is implausible.
 */
export function headerLength(prefix: Uint8Array, fileSize: number, file?: string): number {
  if (prefix.length < PREFIX_BYTES || fileSize < PREFIX_BYTES)
    throw formatError(`is ${fileSize} bytes long, too short for safetensors`, { file });
  const view = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) throw formatError(`header claims ${length} bytes`, { file });
  if (length < 2) throw formatError(`header claims ${length} bytes, a JSON object was expected`, { file });
  if (PREFIX_BYTES + length > fileSize)
    throw formatError(
      `header claims ${length} bytes, the file ends after ${fileSize - PREFIX_BYTES} of them`,
      { file },
    );
  return length;
}

/** The first duplicate key of an object in a valid JSON text; JSON.parse would silently keep the last value. */
function duplicateKey(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[[\]{}]/g;
  for (const [text, colon] of json.matchAll(token)) {
    if (text === '{') open.push(new Set());
    else if (text === '[') open.push(undefined);
    else if (text === '}' || text === ']') open.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(text.slice(0, -colon.length)) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseEntry(value: unknown, place: Place): TensorEntry {
  if (!isObject(value)) throw formatError('a tensor must be described by an object', place);
  const { dtype, shape, data_offsets: offsets, ...rest } = value;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw formatError(`unknown key "${unknown}" in its description`, place);
  const bits =
    typeof dtype === 'string' && Object.hasOwn(STORED_BITS, dtype) ? STORED_BITS[dtype] : undefined;
  if (bits === undefined) throw formatError(`unknown dtype ${JSON.stringify(dtype)}`, place);
  if (!Array.isArray(shape) || !shape.every(isCount))
    throw formatError(`shape ${JSON.stringify(shape)} is not a list of sizes`, place);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw formatError(`data_offsets ${JSON.stringify(offsets)} are not two positions`, place);
  const [start, end] = offsets as [number, number];
  const expected = (sizeOf(shape) * bits) / 8;
  if (end - start !== expected)
    throw formatError(
      `data_offsets [${start}, ${end}] hold ${end - start} bytes, ${String(dtype)} [${shape.join(', ')}] takes ${expected}`,
      place,
    );
  return { stored: dtype as string, shape, start, end };
}

/** Tensors must fill the data section without overlaps or gaps. */
function checkLayout(
  entries: ReadonlyMap<string, TensorEntry>,
  dataBytes: number,
  file: string | undefined,
): void {
  const inOrder = [...entries].sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  let position = 0;
  let previous = 'the header';
  for (const [field, { start, end }] of inOrder) {
    if (start < position) throw formatError(`its bytes overlap those of ${previous}`, { file, field });
    if (start > position)
      throw formatError(`${start - position} bytes between ${previous} and it belong to no tensor`, {
        file,
        field,
      });
    if (end > dataBytes)
      throw formatError(`its bytes end at ${end}, the file's data at ${dataBytes}: the file is truncated`, {
        file,
        field,
      });
    position = end;
    previous = field;
  }
  if (position !== dataBytes)
    throw formatError(`${dataBytes - position} bytes after the last tensor belong to no tensor`, { file });
}

/**
 * Parses a header, without the eight bytes before it, and checks it against the file's size.
 * @throws MienError `format`, naming the tensor, if the header violates the format.
 */
export function parseHeader(header: Uint8Array, fileSize: number, file?: string): SafetensorsHeader {
  let json: string;
  let parsed: unknown;
  try {
    json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
    parsed = JSON.parse(json);
  } catch (cause) {
    throw formatError(`header is not valid JSON (${(cause as Error).message})`, { file }, cause);
  }
  if (!isObject(parsed)) throw formatError('header is not a JSON object', { file });
  const duplicate = duplicateKey(json);
  if (duplicate !== undefined) throw formatError('appears twice in the header', { file, field: duplicate });

  const metadata: Record<string, string> = {};
  const entries = new Map<string, TensorEntry>();
  for (const [field, value] of Object.entries(parsed)) {
    if (field !== METADATA) {
      entries.set(field, parseEntry(value, { file, field }));
      continue;
    }
    if (!isObject(value)) throw formatError('must be an object of strings', { file, field });
    for (const [key, text] of Object.entries(value)) {
      if (typeof text !== 'string') throw formatError(`"${key}" is not a string`, { file, field });
      Object.defineProperty(metadata, key, { value: text, enumerable: true, configurable: true });
    }
  }
  const dataStart = PREFIX_BYTES + header.length;
  checkLayout(entries, fileSize - dataStart, file);
  return { entries, metadata, dataStart };
}

/** The entry of a tensor. @throws MienError `format` if there is none of this name. */
export function entryOf({ entries }: SafetensorsHeader, name: string, file?: string): TensorEntry {
  const entry = entries.get(name);
  if (entry === undefined)
    throw new MienError('format', 'no such tensor in this file', { ...defined({ file }), field: name });
  return entry;
}

/**
 * A tensor from the bytes of its entry, without a copy if alignment and dtype allow it.
 * @throws MienError `format` if the stored dtype has no counterpart and is not to be converted.
 */
export function decodeTensor(
  entry: TensorEntry,
  bytes: Uint8Array,
  place: Place & Pick<ReadOptions, 'floats'> = {},
): Tensor {
  const { stored, shape } = entry;
  if (place.floats === 'float32') {
    const size = (STORED_BITS[stored] ?? 8) / 8;
    const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
    const halves = (): Uint16Array =>
      new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
    if (stored === 'F16') return float32(shape, float16ToFloat32(halves()));
    if (stored === 'BF16') return float32(shape, bfloat16ToFloat32(halves()));
    if (stored === 'F64')
      return float32(shape, new Float64Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 8));
  }
  const dtype = READABLE_DTYPES[stored];
  if (dtype === undefined)
    throw new MienError('format', `${stored} tensors cannot be read without conversion`, {
      ...defined({ file: place.file, field: place.field }),
      hint: `Readable: ${Object.keys(READABLE_DTYPES).join(', ')}; BF16 and F64 when converted to float32.`,
    });
  return fromBytes(dtype, shape, bytes);
}

/**
 * Reads a whole safetensors file given as bytes. Tensors share its memory where possible.
 * @throws MienError `format`, naming the tensor, if the bytes violate the format.
 */
export function readSafetensors(
  bytes: Uint8Array,
  options: ReadOptions = {},
): { tensors: Tensors; metadata: Readonly<Record<string, string>> } {
  const { file, names, floats } = options;
  const length = headerLength(bytes.subarray(0, PREFIX_BYTES), bytes.length, file);
  const header = parseHeader(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + length), bytes.length, file);
  const tensors = (names ?? [...header.entries.keys()]).map((field): [string, Tensor] => {
    const entry = entryOf(header, field, file);
    const data = bytes.subarray(header.dataStart + entry.start, header.dataStart + entry.end);
    return [field, decodeTensor(entry, data, { file, field, ...defined({ floats }) })];
  });
  return { tensors: Object.fromEntries(tensors), metadata: header.metadata };
}

const byName = ([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]): number =>
  a < b ? -1 : a > b ? 1 : 0;

/**
 * A safetensors file in chunks: its header, then each tensor's bytes without a copy. The bytes do not depend on the order
 * of tensors and metadata. Tensors are sorted by element size, widest first, then by name, and the header is padded to
 * eight bytes, so that every tensor is aligned.
 * @throws MienError `format` on a name or metadata that the format cannot hold, `shape` on a wrong length.
 */
export function encodeSafetensors(
  tensors: Tensors,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const inOrder = Object.entries(tensors)
    .sort(byName)
    .sort(([, a], [, b]) => bytesPerElement(b.dtype) - bytesPerElement(a.dtype));
  const header: [string, unknown][] = [];
  const texts = Object.entries(metadata).sort(byName);
  if (texts.length > 0) header.push([METADATA, Object.fromEntries(texts)]);
  let position = 0;
  for (const [field, { dtype, shape, data }] of inOrder) {
    if (field === METADATA) throw new MienError('format', 'this name is reserved for metadata', { field });
    if (data.length !== sizeOf(shape))
      throw new MienError('shape', `[${shape.join(', ')}] does not hold ${data.length} elements`, { field });
    const end = position + data.byteLength;
    header.push([field, { dtype: STORED_DTYPES[dtype], shape, data_offsets: [position, end] }]);
    position = end;
  }
  // Not JSON.stringify of an object, which would put integer-like names first.
  const json = `{${header.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
  if (/\\ud[89a-f]/.test(json))
    throw new MienError(
      'format',
      'a name or metadata contains an unpaired surrogate, which UTF-8 cannot encode',
    );
  const encoded = new TextEncoder().encode(json);
  const padded = new Uint8Array(PREFIX_BYTES + Math.ceil(encoded.length / 8) * 8).fill(0x20);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - PREFIX_BYTES), true);
  padded.set(encoded, PREFIX_BYTES);
  return [padded, ...inOrder.map(([, value]) => bytesOf(value))];
}
