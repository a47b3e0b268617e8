// Hashes of faces, by which copies and near-duplicates are found: of the bytes, of the pixels, and perceptual.
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { defined, messageOf, MienError } from 'mien-engine/base';
import { fileError, sha256 } from 'mien-engine/node';
import { type Progress, silentProgress } from 'mien/parts/base';
import { type FaceItem, type DataSetOptions, problems, type Skipped } from 'mien/parts/data';

/** Hashes of one face; plain JSON, so that they can be stored and reused. */
export interface FaceHash {
  /** Hexadecimal SHA-256 of the image file, or of width, height and pixels if there is no file. */
  readonly sha256: string;
  /** Hexadecimal SHA-256 of width, height and grey pixels: equal for copies. */
  readonly pixels: string;
  /** Perceptual hash, 256 bits in hexadecimal; see `perceptualHash`. */
  readonly bits: string;
  /** Whether the image shows nothing: the standard deviation of its grey levels is below 2. */
  readonly constant: boolean;
}

export interface GreyImage {
  readonly width: number;
  readonly height: number;
  /** 8 bit, row-major. */
  readonly data: Uint8Array;
}

export interface HashOptions extends DataSetOptions {
  /** Hashes of an earlier run by face id; they are reused if `sha256` is still that of the bytes. */
  readonly known?: ReadonlyMap<string, FaceHash>;
  readonly progress?: Progress;
}

/** Frequencies of the perceptual hash in each direction, 0 … 15. */
const FREQUENCIES = 16;
const CONSTANT_BELOW = 2;
/** Images decoded concurrently. */
const CONCURRENCY = 4;

/**
 * Hashes faces, reading and decoding a few image files at a time; only the hashes are kept.
 * @returns hashes by face id; with `skipInvalid`, unreadable faces have none and are listed
 * @throws MienError `data` with the file that cannot be decoded, `file` if it cannot be read
 */
export async function hashFaces(
  faces: readonly FaceItem[],
  options: HashOptions = {},
): Promise<{ hashes: Map<string, FaceHash>; skipped: readonly Skipped[] }> {
  const { known = new Map<string, FaceHash>(), progress = silentProgress } = options;
  if (faces.length === 0) return { hashes: new Map(), skipped: [] };
  const reporter = problems(options);
  const results = new Array<FaceHash | undefined>(faces.length);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < faces.length; index = next++) {
      const face = faces[index]!;
      try {
        results[index] = await hashFace(face, known.get(face.id));
      } catch (cause) {
        if (!options.skipInvalid) next = faces.length; // the other workers stop
        if (!options.skipInvalid && cause instanceof MienError) throw cause;
        const reason = messageOf(cause).split('\n')[0]!;
        reporter.report({
          file: face.file,
          ...defined({ row: face.row }),
          message: `cannot be decoded as an image (${reason})`,
          hint: 'Expected a complete JPEG or PNG; is the file truncated?',
        });
      }
      progress.advance();
    }
  };
  // Images are small and decoded once: threads within an image and a cache would only cost time.
  const [threads, cache] = [sharp.concurrency(), sharp.cache()];
  sharp.concurrency(1);
  sharp.cache(false);
  progress.begin('hash faces', faces.length, 'faces');
  try {
    const workers = await Promise.allSettled(Array.from({ length: CONCURRENCY }, work));
    for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
  } finally {
    sharp.concurrency(threads);
    sharp.cache({ memory: cache.memory.max, files: cache.files.max, items: cache.items.max });
    progress.end();
  }
  const hashes = new Map<string, FaceHash>();
  faces.forEach(({ id }, index) => {
    const hash = results[index];
    if (hash) hashes.set(id, hash);
  });
  reporter.skipped.sort((a, b) => (a.file < b.file ? -1 : 1));
  return { hashes, skipped: reporter.skipped };
}

async function hashFace({ image }: FaceItem, known: FaceHash | undefined): Promise<FaceHash> {
  if (image.kind === 'pixels') {
    const digest = pixelDigest(image);
    return known?.sha256 === digest ? known : hashGrey(image, digest);
  }
  const bytes = await readFile(image.path).catch((cause: unknown) => {
    throw fileError('read', image.path, cause);
  });
  if (bytes.length === 0) throw new Error('the file is empty');
  const digest = sha256(bytes);
  return known?.sha256 === digest ? known : hashGrey(await decodeGrey(bytes), digest);
}

const hashGrey = (image: GreyImage, digest: string): FaceHash => ({
  sha256: digest,
  pixels: pixelDigest(image),
  bits: perceptualHash(image),
  constant: isConstant(image),
});

const pixelDigest = ({ width, height, data }: GreyImage): string =>
  sha256(Buffer.concat([Buffer.from(`${width}×${height}:`), data]));

/** Decodes an image to grey (ITU-R BT.601 weights); throws sharp's error if it is truncated or not an image. */
export async function decodeGrey(bytes: Uint8Array): Promise<GreyImage> {
  const { data, info } = await sharp(bytes, { failOn: 'truncated' })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels === 1) return { width, height, data };
  const grey = new Uint8Array(width * height);
  for (let i = 0, at = 0; i < grey.length; i++, at += channels)
    grey[i] =
      channels < 3 ? data[at]! : (299 * data[at]! + 587 * data[at + 1]! + 114 * data[at + 2]! + 500) / 1000;
  return { width, height, data: grey };
}

/** Whether an image shows nothing: the standard deviation of its grey levels is below 2. */
export function isConstant({ data }: GreyImage): boolean {
  let sum = 0;
  let squares = 0;
  for (const value of data) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / data.length;
  return squares / data.length - mean * mean < CONSTANT_BELOW ** 2;
}

/**
 * The signs of the 16×16 lowest discrete cosine coefficients of an image, as 64 hexadecimal digits; bit 0 (the mean) is
 * always 0. Frequencies are relative to the image, so that size, brightness, contrast, compression and slight noise
 * hardly matter; position does. Mirroring flips the signs of the odd horizontal frequencies only.
 */
export function perceptualHash({ width, height, data }: GreyImage): string {
  const [across, down] = [cosines(width), cosines(height)];
  // rows[y][u]: each row's horizontal frequencies. Even ones are symmetric about the middle, odd ones antisymmetric.
  const rows = new Float64Array(height * FREQUENCIES);
  const half = width >> 1;
  const sums = new Float64Array(half);
  const differences = new Float64Array(half);
  for (let y = 0; y < height; y++) {
    const start = y * width;
    for (let x = 0; x < half; x++) {
      const [left, right] = [data[start + x]!, data[start + width - 1 - x]!];
      sums[x] = left + right;
      differences[x] = left - right;
    }
    const middle = width % 2 === 1 ? data[start + half]! : 0;
    for (let u = 0; u < FREQUENCIES; u++) {
      const folded = u % 2 === 0 ? sums : differences;
      const row = u * width;
      let sum = middle === 0 ? 0 : middle * across[row + half]!;
      for (let x = 0; x < half; x++) sum += folded[x]! * across[row + x]!;
      rows[y * FREQUENCIES + u] = sum;
    }
  }
  let bits = '';
  let digit = 0;
  for (let v = 0; v < FREQUENCIES; v++)
    for (let u = 0; u < FREQUENCIES; u++) {
      let sum = 0;
      for (let y = 0; y < height; y++) sum += rows[y * FREQUENCIES + u]! * down[v * height + y]!;
      digit = digit * 2 + (sum > 0 && u + v > 0 ? 1 : 0);
      if (u % 4 === 3) {
        bits += digit.toString(16);
        digit = 0;
      }
    }
  return bits;
}

const cosineTables = new Map<number, Float64Array>();

/** `[16, size]`: cos(π (2x + 1) k / 2 size). */
function cosines(size: number): Float64Array {
  const known = cosineTables.get(size);
  if (known !== undefined) return known;
  const table = new Float64Array(FREQUENCIES * size);
  for (let k = 0; k < FREQUENCIES; k++)
    for (let x = 0; x < size; x++) table[k * size + x] = Math.cos((Math.PI * (2 * x + 1) * k) / (2 * size));
  if (cosineTables.size < 64) cosineTables.set(size, table);
  return table;
}
