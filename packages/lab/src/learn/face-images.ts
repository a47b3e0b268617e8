// Training images as bytes: decoded and resized once, kept in memory or, when they are many, in a file.
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Progress, silentProgress } from 'mien/parts/base';
import type { FaceImage } from 'mien/parts/data';
import { type DecodedImage, decodeImages, rgbFromGrey } from 'mien/parts/encoders';
import { resizedPixels } from '../encoders/resize.js';

/** How many images are decoded at a time. */
const CHUNK = 256;

/** Something with an image: a face of a data set, or a row of a user's table. */
export interface Pictured {
  readonly image: FaceImage;
}

/** Decodes faces in their order. @throws MienError as `decodeImage` does, naming the file. */
export async function decodeFaces(faces: readonly Pictured[], maxPixels?: number): Promise<DecodedImage[]> {
  const files = faces.flatMap(({ image }) => (image.kind === 'file' ? [image.path] : []));
  const decoded = (await decodeImages(files, { maxPixels })).values();
  return faces.map(({ image }) =>
    image.kind === 'file' ? (decoded.next().value as DecodedImage) : rgbFromGrey(image),
  );
}

export interface KeptImages {
  readonly size: number;
  readonly count: number;
  /** Copies one image, 8 bit `[3, size, size]`, to `target` from `offset` on. */
  copy(index: number, target: Uint8Array, offset: number): void;
  close(): Promise<void>;
}

/** More bytes than this go to a file, of which the operating system caches as much as fits. */
const MOST_IN_MEMORY = 2_000_000_000;

interface Bytes {
  put(part: Uint8Array, offset: number): void;
  get(target: Uint8Array, at: number, offset: number, length: number): void;
  close(): Promise<void>;
}

async function bytesFor(size: number, mostInMemory: number): Promise<Bytes> {
  if (size <= mostInMemory) {
    const all = new Uint8Array(size);
    return {
      put: (part, offset) => all.set(part, offset),
      get: (target, at, offset, length) => target.set(all.subarray(offset, offset + length), at),
      close: () => Promise.resolve(),
    };
  }
  const folder = await mkdtemp(join(tmpdir(), 'mien-images-'));
  const file = openSync(join(folder, 'images'), 'w+');
  return {
    put: (part, offset) => void writeSync(file, part, 0, part.length, offset),
    get: (target, at, offset, length) => void readSync(file, target, at, length, offset),
    close: () => {
      closeSync(file);
      return rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Decodes and resizes faces to `size`, for augmentation to sample from. More than `mostInMemory` bytes are kept in a
 * temporary file, which `close` removes.
 */
export async function keepImages(
  faces: readonly Pictured[],
  size: number,
  progress: Progress = silentProgress,
  {
    mostInMemory = MOST_IN_MEMORY,
    maxPixels,
  }: { readonly mostInMemory?: number; readonly maxPixels?: number | undefined } = {},
): Promise<KeptImages> {
  const bytes = 3 * size * size;
  const all = await bytesFor(faces.length * bytes, mostInMemory);
  progress.begin('decode faces', faces.length, 'faces');
  try {
    for (let start = 0; start < faces.length; start += CHUNK) {
      const images = await decodeFaces(faces.slice(start, start + CHUNK), maxPixels);
      for (const [i, image] of images.entries()) all.put(resizedPixels(image, size), (start + i) * bytes);
      progress.advance(images.length);
    }
  } finally {
    progress.end();
  }
  return {
    size,
    count: faces.length,
    copy: (index, target, offset) => all.get(target, offset, index * bytes, bytes),
    close: () => all.close(),
  };
}
