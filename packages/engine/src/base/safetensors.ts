// Safetensors, the file format of weights, features and checkpoints: a checked reader and a deterministic writer.
// Free of node's modules, so that a browser reads the same files; `safetensors-file.ts` adds the file system.
// Source: the format's description in github.com/huggingface/safetensors (README, "Format").
import { defined } from './defined.js';
import { MienError } from './errors.js';
import { bfloat16ToFloat32, float16ToFloat32 } from './half.js';
import { bytesOf, bytesPerElement, float32, fromBytes, sizeOf } from './tensor.js';
import type { DType, Tensor, Tensors } from './tensor.js';

/** Bits an element of each stored dtype takes. Those without a house dtype are known, but not all can be read. */
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

const HOUSE_DTYPES: Readonly<Record<string, DType>> = {
  F32: 'float32',
  F16: 'float16',
  I64: 'int64',
  I32: 'int32',
  U8: 'uint8',
  I8: 'int8',
  BOOL: 'bool',
};

const STORED_DTYPES = Object.fromEntries(
  Object.entries(HOUSE_DTYPES).map(([stored, house]) => [house, stored]),
) as Record<DType, string>;

/** Bytes before the header: its length as an unsigned 64-bit little-endian integer. */
export const PREFIX_BYTES = 8;
/** A header longer than this is damage or malice; the reference implementation draws the same line. */
const MAX_HEADER_BYTES = 100_000_000;
const METADATA = '__metadata__';

/** Where a tensor lies in the data section, which begins at `SafetensorsHeader.dataStart`. */
export interface TensorEntry {
  /** Dtype as the file names it, for instance `BF16`. */
  readonly stored: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Byte of the file at which the data section begins. */
  readonly dataStart: number;
}

export interface ReadOptions {
  /** Only these tensors; all of them by default. */
  names?: readonly string[];
  /** Widens F16 and BF16 to float32 exactly, and rounds F64 to it. BF16 and F64 cannot be read without. */
  floats?: 'float32';
  /** What to call the file in errors. */
  file?: string;
}

type Place = { file?: string | undefined; field?: string | undefined };

function formatError(message: string, { file, field }: Place, cause?: unknown): MienError {
  return new MienError('format', message, {
    ...defined({ file, field }),
    hint: 'The file is not safetensors, or is damaged: fetch or write it again.',
    cause,
  });
}

/**
 * Length of the header from the file's first eight bytes.
 * @throws MienError `format` when the file is too short for it or the length is absurd.
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

/** The first key that an object of a valid JSON text repeats; JSON.parse would silently keep the last. */
function repeatedKey(json: string): string | undefined {
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

/** Tensors must fill the data section from its first to its last byte, without overlap or hole. */
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
      throw formatError(`its bytes end at ${end}, the file's data at ${dataBytes}: the file was cut`, {
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
 * Reads a header, without the eight bytes before it, and checks it against the file's size.
 * @throws MienError `format` that names the tensor when anything is not as the format demands.
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
  const repeated = repeatedKey(json);
  if (repeated !== undefined) throw formatError('stands twice in the header', { file, field: repeated });

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

/**
 * The entries of these names, or all.
 * @throws MienError `format` when one is not in the file.
 */
export function selectEntries(
  header: SafetensorsHeader,
  names: readonly string[] | undefined,
  file?: string,
): [name: string, entry: TensorEntry][] {
  if (names === undefined) return [...header.entries];
  return names.map((name) => {
    const entry = header.entries.get(name);
    if (entry === undefined)
      throw new MienError('format', 'no such tensor in this file', {
        ...defined({ file }),
        field: name,
      });
    return [name, entry];
  });
}

/**
 * A tensor from the bytes its entry points at, which it shares where alignment and dtype allow.
 * @throws MienError `format` when the stored dtype has no counterpart and may not be converted.
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
  const dtype = HOUSE_DTYPES[stored];
  if (dtype === undefined)
    throw new MienError('format', `${stored} tensors cannot be read as they are`, {
      ...defined({ file: place.file, field: place.field }),
      hint: `Readable: ${Object.keys(HOUSE_DTYPES).join(', ')}; BF16 and F64 when converted to float32.`,
    });
  return fromBytes(dtype, shape, bytes);
}

/**
 * Reads a whole safetensors file given as bytes. Tensors share its memory where they can.
 * @throws MienError `format` that names the tensor when anything is not as the format demands.
 */
export function readSafetensors(
  bytes: Uint8Array,
  options: ReadOptions = {},
): { tensors: Tensors; metadata: Readonly<Record<string, string>> } {
  const { file, names, floats } = options;
  const length = headerLength(bytes.subarray(0, PREFIX_BYTES), bytes.length, file);
  const header = parseHeader(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + length), bytes.length, file);
  const tensors = selectEntries(header, names, file).map(([field, entry]): [string, Tensor] => {
    const data = bytes.subarray(header.dataStart + entry.start, header.dataStart + entry.end);
    return [field, decodeTensor(entry, data, { file, field, ...(floats ? { floats } : {}) })];
  });
  return { tensors: Object.fromEntries(tensors), metadata: header.metadata };
}

const byName = ([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]): number =>
  a < b ? -1 : a > b ? 1 : 0;

/**
 * A safetensors file in pieces: its header, then each tensor's bytes without a copy. The same tensors and metadata
 * give the same bytes, in whatever order they come. Wider elements come first, then the order of names, and the
 * header is padded to eight bytes, so that every tensor lies aligned.
 * @throws MienError `format` on a name or metadata that the format cannot hold, `shape` on a false length.
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
  // Written piece by piece: an object would put names that look like integers first.
  const json = `{${header.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
  if (/\\ud[89a-f]/.test(json))
    throw new MienError('format', 'a name or metadata holds an unpaired surrogate, which UTF-8 cannot hold');
  const encoded = new TextEncoder().encode(json);
  const padded = new Uint8Array(PREFIX_BYTES + Math.ceil(encoded.length / 8) * 8).fill(0x20);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - PREFIX_BYTES), true);
  padded.set(encoded, PREFIX_BYTES);
  return [padded, ...inOrder.map(([, value]) => bytesOf(value))];
}
