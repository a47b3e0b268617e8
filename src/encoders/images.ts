// Decodes image files to 8-bit RGB. Only decoding: resizing is done in the graph, the same in node and browser.
import { availableParallelism } from 'node:os';
import sharp from 'sharp';
import { MienError } from '../base/errors.js';
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
  try {
    const image = sharp(source, { failOn: 'truncated', limitInputPixels: maxPixels });
    const { format } = await image.metadata();
    if (!FORMATS.includes(format))
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
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return channels === 1 ? rgbFromGrey({ width, height, data: bytes }) : { width, height, data: bytes };
  } catch (cause) {
    if (cause instanceof MienError) throw cause;
    const reason = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
    if (/file is missing|unable to open/i.test(reason) && typeof source === 'string')
      throw fileError('read', source, Object.assign(new Error(reason), { code: 'ENOENT' }));
    throw new MienError('data', `cannot be decoded as an image (${reason})`, { ...place, cause });
  }
}

/** Grey pixels `[height, width]` as RGB. */
export function rgbFromGrey(image: DecodedImage): DecodedImage {
  const data = new Uint8Array(image.data.length * 3);
  image.data.forEach((grey, i) => data.fill(grey, 3 * i, 3 * i + 3));
  return { ...image, data };
}

/** Decodes images in their order, at most `concurrency` (default: the number of cores) at a time. */
export async function decodeImages(
  sources: readonly (string | Uint8Array)[],
  options: Omit<DecodeOptions, 'file'> & { concurrency?: number } = {},
): Promise<DecodedImage[]> {
  const { concurrency = availableParallelism(), ...decoding } = options;
  const images: DecodedImage[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < sources.length; i = next++) images[i] = await decodeImage(sources[i]!, decoding);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, sources.length) }, work));
  return images;
}
