// Resizes images to a network's input, to the same pixels as ONNX Runtime's Resize in a bundle's graph (bicubic,
// antialiased, rounded to 8 bits after rows and after columns), in a fifth of its processor time and without threads,
// which for images of a face's size cost more than they save.
//
// Sources: ONNX Runtime's `upsample_antialias.h`, and Pillow's `Resample.c`, on which it is based. Weights are computed in
// float32 in the order of the former, and then in units of 2^-22.
import { MienError } from 'mien-engine/base';
import type { DecodedImage } from 'mien/parts/encoders';
import { RESIZE_MODULE } from './resize-module.js';

const { fround } = Math;

/** Keys' kernel with a = −0.5, rounded to float32 after each operation. */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return fround(fround(fround(fround(fround(1.5 * x) - 2.5) * x) * x) + 1);
  if (x < 2) return fround(fround(fround(fround(fround(fround(x - 5) * x) + 8) * x) - 4) * -0.5);
  return 0;
}

const UNIT = 2 ** 22;
/** To the nearest integer, halves away from zero. */
const rounded = (value: number): number => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);

/** For every position along a side, which pixels it is the weighted sum of. */
interface Taps {
  /** Number of pixels per position. */
  readonly count: number;
  /** The first of them, `[size]`. */
  readonly first: Int32Array;
  /** Their weights in units of 2^-22, `[size, count]`. */
  readonly weights: Int32Array;
}

/** The taps for resizing `length` pixels to `size`. */
function tapsOf(length: number, size: number): Taps {
  const ratio = fround(size / length);
  const scale = fround(1 / ratio);
  const support = scale >= 1 ? fround(2 * scale) : 2;
  const inverse = scale >= 1 ? fround(1 / scale) : 1;
  const positions = Array.from({ length: size }, (_, i) => {
    const centre = fround(0.5 + (scale === 1 ? i : fround(fround(fround(i + 0.5) / ratio) - 0.5)));
    const from = Math.max(Math.floor(fround(fround(centre - support) + 0.5)), 0);
    const to = Math.min(Math.floor(fround(fround(centre + support) + 0.5)), length);
    const values = Array.from({ length: to - from }, (_, x) =>
      cubic(fround(fround(fround(from + x - centre) + 0.5) * inverse)),
    );
    const total = values.reduce((sum, value) => fround(sum + value), 0);
    const factor = total === 0 ? 1 : fround(1 / total);
    return { from, weights: values.map((value) => rounded(fround(fround(value * factor) * UNIT))) };
  });
  // As many taps for every position, of weight 0 where it needs fewer, and all of them inside the image.
  const used = positions.map(({ from, weights }) => {
    const start = weights.findIndex((weight) => weight !== 0);
    const end = weights.findLastIndex((weight) => weight !== 0) + 1;
    return { from: from + start, weights: weights.slice(start, end) };
  });
  const count = Math.max(...used.map(({ weights }) => weights.length));
  const first = Int32Array.from(used, ({ from }) => Math.min(from, length - count));
  const weights = new Int32Array(size * count);
  for (const [i, { from, weights: own }] of used.entries()) weights.set(own, i * count + from - first[i]!);
  return { count, first, weights };
}

/** See `wasm/resize.ts`. */
interface Loops {
  readonly memory: Memory;
  rows(
    source: number,
    sourceStride: number,
    count: number,
    target: number,
    targetStride: number,
    size: number,
    first: number,
    weights: number,
    taps: number,
  ): void;
  columns(
    source: number,
    target: number,
    stride: number,
    size: number,
    first: number,
    weights: number,
    taps: number,
  ): void;
  plane(
    source: number,
    stride: number,
    size: number,
    channel: number,
    target: number,
    scale: number,
    shift: number,
  ): void;
}

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): void;
}

/** The part of WebAssembly's interface that is used: Node's types do not have it. */
interface Compiler {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

let loaded: Loops | undefined;
function loops(): Loops {
  if (loaded) return loaded;
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: Compiler }).WebAssembly;
  return (loaded = new Instance(new Module(Buffer.from(RESIZE_MODULE, 'base64'))).exports as Loops);
}

/** Source rows are copied so many bytes at a time, which bounds the memory for photographs. */
const STRIP = 1 << 20;
const PAGE = 1 << 16;
const aligned = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/** Where in the module's memory everything is for images of one size. */
interface Layout {
  readonly width: number;
  readonly height: number;
  readonly size: number;
  readonly across: Taps;
  readonly down: Taps;
  /** Source rows that are copied at a time. */
  readonly rowsOfStrip: number;
  /** Bytes from one row to the next, of four bytes a pixel. */
  readonly stride: number;
  readonly addresses: Readonly<Record<(typeof PARTS)[number], number>>;
}
const PARTS = [
  'firstAcross',
  'weightsAcross',
  'firstDown',
  'weightsDown',
  'strip',
  'rows',
  'resized',
  'plane',
] as const;

let current: Layout | undefined;

/** The layout for images of a size, with its taps in memory; kept for the next image. */
function layoutFor({ width, height }: DecodedImage, size: number): Layout {
  if (current?.width === width && current.height === height && current.size === size) return current;
  const { memory } = loops();
  const [across, down] = [tapsOf(width, size), tapsOf(height, size)];
  const stride = aligned(4 * size);
  const rowsOfStrip = Math.min(height, Math.max(1, Math.floor(STRIP / (3 * width))));
  const bytes = {
    firstAcross: across.first.byteLength,
    weightsAcross: across.weights.byteLength,
    firstDown: down.first.byteLength,
    weightsDown: down.weights.byteLength,
    // The last pixel is read with the byte after it.
    strip: 3 * width * rowsOfStrip + 1,
    rows: height * stride,
    resized: size * stride,
    plane: 4 * size * size,
  };
  const addresses = {} as Record<(typeof PARTS)[number], number>;
  let end = 0;
  for (const part of PARTS) {
    addresses[part] = end;
    end += aligned(bytes[part]);
  }
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) grow(memory, Math.ceil(missing / PAGE), `${width}×${height}`);
  const write = (at: number, values: Int32Array): void =>
    new Int32Array(memory.buffer, at, values.length).set(values);
  write(addresses.firstAcross, across.first);
  write(addresses.weightsAcross, across.weights);
  write(addresses.firstDown, down.first);
  write(addresses.weightsDown, down.weights);
  return (current = { width, height, size, across, down, rowsOfStrip, stride, addresses });
}

/** @throws MienError `data` if there is not so much memory, which an image of millions of rows would need. */
function grow(memory: Memory, pages: number, image: string): void {
  try {
    memory.grow(pages);
  } catch (cause) {
    throw new MienError('data', `an image of ${image} pixels is too long to be resized`, { cause });
  }
}

/** Resizes into the module's memory, at `resized`. */
function resize(image: DecodedImage, size: number): Layout {
  const layout = layoutFor(image, size);
  const { width, height, across, down, rowsOfStrip, stride, addresses: at } = layout;
  const { memory, rows, columns } = loops();
  for (let y = 0; y < height; y += rowsOfStrip) {
    const count = Math.min(rowsOfStrip, height - y);
    const bytes = image.data.subarray(3 * width * y, 3 * width * (y + count));
    new Uint8Array(memory.buffer).set(bytes, at.strip);
    rows(
      at.strip,
      3 * width,
      count,
      at.rows + y * stride,
      stride,
      size,
      at.firstAcross,
      at.weightsAcross,
      across.count,
    );
  }
  columns(at.rows, at.resized, stride, size, at.firstDown, at.weightsDown, down.count);
  return layout;
}

/** Per channel, what a byte is multiplied with and what is then added, each result rounded to float32. */
export interface Normalisation {
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}

/** Resized and normalised pixels: channels first, `[3, size, size]`, written to `out` at `offset`. */
export function writeResized(
  image: DecodedImage,
  size: number,
  { scale, shift }: Normalisation,
  out: Float32Array,
  offset: number,
): void {
  const { stride, addresses } = resize(image, size);
  const { memory, plane } = loops();
  const values = new Float32Array(memory.buffer, addresses.plane, size * size);
  for (const channel of [0, 1, 2]) {
    plane(addresses.resized, stride, size, channel, addresses.plane, scale[channel]!, shift[channel]!);
    out.set(values, offset + channel * size * size);
  }
}

/** Resized pixels in 8 bits: channels first, `[3, size, size]`. */
export function resizedPixels(image: DecodedImage, size: number): Uint8Array {
  const { stride, addresses } = resize(image, size);
  const pixels = new Uint8Array(loops().memory.buffer, addresses.resized, size * stride);
  const out = new Uint8Array(3 * size * size);
  for (let y = 0, i = 0; y < size; y++)
    for (let at = y * stride; at < y * stride + 4 * size; at += 4, i++) {
      out[i] = pixels[at]!;
      out[size * size + i] = pixels[at + 1]!;
      out[2 * size * size + i] = pixels[at + 2]!;
    }
  return out;
}
