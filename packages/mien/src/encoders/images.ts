// Decodes image files to 8-bit RGB. Only decoding: resizing is done in the graph, the same in node and browser.
import { readFile as readFileCallback, stat as statCallback } from 'node:fs';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { forEachParallel, messageOf, MienError } from 'mien-engine/base';
import { fileError } from 'mien-engine/node';
import { type DecodedImage, rgbFromGrey } from './encoder.js';
import { checkPixels, MOST_PIXELS } from './pixel-limit.js';
import { decodeSmallJpeg } from './small-jpeg.js';

/** Those of `node:fs/promises` take twice the processor time, for a small JPEG as much as decoding it. */
const [readFile, stat] = [promisify(readFileCallback), promisify(statCallback)];

/** Raster formats; sharp would also render vector graphics and documents. */
const FORMATS = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif', 'jp2', 'ppm'];

export interface DecodeOptions {
  /** Images of more pixels are refused before they are decoded (default 50 million). */
  maxPixels?: number | undefined;
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
  const { maxPixels = MOST_PIXELS, file = typeof source === 'string' ? source : undefined } = options;
  const place = file === undefined ? {} : { file };
  const bytes = typeof source === 'string' ? await readImage(source) : source;
  const small = decodeSmallJpeg(bytes, maxPixels);
  if (small) return small;
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
    const [reason = ''] = messageOf(cause).split('\n');
    // It was refused by its header, which is read once more to say what it says.
    if (/pixel limit/.test(reason)) checkPixels(await sizeOf(bytes), maxPixels, place);
    throw new MienError('data', `cannot be decoded as an image (${reason})`, { ...place, cause });
  }
}

/** Upright, as its header says; nothing where that cannot be read. */
const sizeOf = (bytes: Uint8Array): Promise<{ width: number; height: number }> =>
  sharp(bytes, { limitInputPixels: false })
    .metadata()
    .then(
      ({ autoOrient }) => autoOrient,
      () => ({ width: 0, height: 0 }),
    );

/** What is longer than this (in UTF-16 units) and no path is probably base64. */
const LONG_PATH = 1000;

/** The file's bytes: read here, since libvips takes half a millisecond longer to open a file than bytes. */
async function readImage(path: string): Promise<Uint8Array> {
  try {
    // Some devices can be read for ever.
    if (!(await stat(path)).isCharacterDevice()) return await readFile(path);
  } catch (cause) {
    const hint = path.length > LONG_PATH ? BASE64_HINT : undefined;
    throw fileError('read', path, cause, hint);
  }
  throw new MienError('file', 'is a device, not an image', { file: path });
}

const BASE64_HINT = 'Base64 is read from a data URL: data:image/jpeg;base64,…';

const MAGIC = [
  [0xff, 0xd8, 0xff],
  [0x89, 0x50, 0x4e, 0x47],
];
const isJpegOrPng = (bytes: Uint8Array): boolean =>
  MAGIC.some((magic) => magic.every((byte, i) => bytes[i] === byte));

/** Decodes images in their order, at most `concurrency` (default: two a core, since reading waits) at a time. */
export async function decodeImages(
  sources: readonly (string | Uint8Array)[],
  options: Omit<DecodeOptions, 'file'> & { concurrency?: number | undefined } = {},
): Promise<DecodedImage[]> {
  const { concurrency = 2 * availableParallelism(), ...decoding } = options;
  const images = new Array<DecodedImage>(sources.length);
  const parallel = Math.min(concurrency, sources.length);
  await forEachParallel(sources.entries(), parallel, async ([i, source]) => {
    images[i] = await decodeImage(source, decoding);
  });
  return images;
}
