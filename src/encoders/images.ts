// Decodes image files to 8-bit RGB. Only decoding: resizing is done in the graph, the same in node and browser.
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import sharp from 'sharp';
import { messageOf, MienError } from '../base/errors.js';
import { fileError } from '../base/files.js';
import type { DecodedImage } from './encoder.js';

/** Raster formats; sharp would also render vector graphics and documents. */
const FORMATS = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif', 'jp2', 'ppm'];

export interface DecodeOptions {
  /** Images of more pixels are refused before they are decoded (default 50 million). */
  maxPixels?: number;
  /** What to call an image given as bytes in errors. */
  file?: string;
}

/**
 * Decodes an image file or its bytes: turned upright as its EXIF orientation says, the first frame of an animation,
 * transparency on white, grey, CMYK and 16-bit colours as 8-bit sRGB.
 * @throws MienError `data` when it is no image, truncated, or too large; `file` when it cannot be read.
 */
export async function decodeImage(
  source: string | Uint8Array,
  options: DecodeOptions = {},
): Promise<DecodedImage> {
  const { maxPixels = 50_000_000, file = typeof source === 'string' ? source : undefined } = options;
  const place = file === undefined ? {} : { file };
  const bytes = typeof source === 'string' ? await readImage(source) : source;
  try {
    const image = sharp(bytes, { failOn: 'truncated', limitInputPixels: maxPixels });
    // Asking for the format parses the header once more, which takes as long as decoding a small face.
    const format = isJpegOrPng(bytes) ? undefined : (await image.metadata()).format;
    if (format !== undefined && !FORMATS.includes(format))
      throw new MienError('data', `is ${format}, not a photograph`, {
        ...place,
        hint: `Known: ${FORMATS.join(', ')}.`,
      });
    const { data, info } = await image
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const pixels = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return channels === 1 ? rgbFromGrey({ width, height, data: pixels }) : { width, height, data: pixels };
  } catch (cause) {
    if (cause instanceof MienError) throw cause;
    const reason = messageOf(cause).split('\n')[0]!;
    throw new MienError('data', `cannot be decoded as an image (${reason})`, { ...place, cause });
  }
}

/** The file's bytes: read here, since libvips takes half a millisecond longer to open a file than bytes. */
const readImage = (path: string): Promise<Uint8Array> =>
  readFile(path).catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });

const MAGIC = [
  [0xff, 0xd8, 0xff],
  [0x89, 0x50, 0x4e, 0x47],
];
const isJpegOrPng = (bytes: Uint8Array): boolean =>
  MAGIC.some((magic) => magic.every((byte, i) => bytes[i] === byte));

/** Grey pixels `[height, width]` as RGB. */
export function rgbFromGrey(image: DecodedImage): DecodedImage {
  const data = new Uint8Array(image.data.length * 3);
  image.data.forEach((grey, i) => data.fill(grey, 3 * i, 3 * i + 3));
  return { ...image, data };
}

/** Decodes images in their order, at most `concurrency` (default: two a core, since reading waits) at a time. */
export async function decodeImages(
  sources: readonly (string | Uint8Array)[],
  options: Omit<DecodeOptions, 'file'> & { concurrency?: number } = {},
): Promise<DecodedImage[]> {
  const { concurrency = 2 * availableParallelism(), ...decoding } = options;
  const images: DecodedImage[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < sources.length; i = next++) images[i] = await decodeImage(sources[i]!, decoding);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, sources.length) }, work));
  return images;
}
