// Resamples photographs in plain arithmetic, so that Node and browsers give the same pixels.
import { MienError } from 'mien-engine/base';
import type { DecodedImage } from '../encoders/encoder.js';
import type { Box } from './face.js';

/** RGB in [0, 255], row-major. */
export interface FloatImage {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}
export type AnyImage = DecodedImage | FloatImage;

/** @throws MienError `data` when an image's data does not match its size. */
export function checkImage({ width, height, data }: DecodedImage): void {
  const isSize = (n: number): boolean => Number.isSafeInteger(n) && n > 0;
  if (!isSize(width) || !isSize(height) || data.length !== width * height * 3)
    throw new MienError('data', `an image of ${width} × ${height} pixels has ${data.length} bytes`, {
      hint: 'Pass 8-bit RGB, three bytes a pixel, without padding.',
    });
}

/** The source pixels along an axis of which each output pixel is the weighted sum. */
interface Taps {
  /** First source pixel of each output pixel; never decreases. */
  readonly first: Int32Array;
  /** Source pixels per output pixel. */
  readonly count: number;
  /** `[outputs, count]` */
  readonly weights: Float32Array;
}

/**
 * Weights of a triangle over two output pixels, or two source pixels where these are larger: linear interpolation when
 * enlarging, antialiased when shrinking. Weights beyond the image go to the border with `repeat`, else are dropped.
 */
function tapsAlong(start: number, length: number, outputs: number, limit: number, repeat: boolean): Taps {
  const scale = length / outputs;
  const support = Math.max(scale, 1);
  const count = Math.min(Math.floor(2 * support) + 1, limit);
  const first = new Int32Array(outputs);
  const weights = new Float32Array(outputs * count);
  for (let i = 0; i < outputs; i++) {
    const centre = start + (i + 0.5) * scale - 0.5;
    const [low, high] = [Math.ceil(centre - support), Math.floor(centre + support)];
    const from = Math.min(Math.max(low, 0), limit - count);
    first[i] = from;
    let total = 0;
    for (let k = low; k <= high; k++) total += 1 - Math.abs(k - centre) / support;
    for (let k = low; k <= high; k++) {
      const inside = Math.min(Math.max(k, 0), limit - 1);
      if (inside === k || repeat)
        weights[i * count + inside - from]! += (1 - Math.abs(k - centre) / support) / total;
    }
  }
  return { first, count, weights };
}

/**
 * The pixels around a region averaged in blocks of `factor` × `factor` (fewer pixels at the right and lower edge of the
 * image), and the region in units of blocks.
 */
function averageBlocks(
  { width, height, data }: AnyImage,
  region: Box,
  factor: number,
  around: number,
): { image: FloatImage; region: Box } {
  const blocks = (start: number, length: number, limit: number): [from: number, to: number] => {
    const count = Math.ceil(limit / factor);
    const from = Math.min(Math.max(Math.floor((start - around) / factor), 0), count - 1);
    return [from, Math.min(Math.max(Math.ceil((start + length + around) / factor), from + 1), count)];
  };
  const [left, right] = blocks(region.x, region.width, width);
  const [top, bottom] = blocks(region.y, region.height, height);
  const columns = right - left;
  const out = new Float32Array((bottom - top) * columns * 3);
  for (let y = top * factor; y < Math.min(bottom * factor, height); y++) {
    const block = Math.floor(y / factor);
    const rows = Math.min(factor, height - block * factor);
    let at = 3 * (y * width + left * factor);
    let to = 3 * (block - top) * columns;
    for (let column = left; column < right; column++, to += 3) {
      let [red, green, blue] = [0, 0, 0];
      const end = 3 * (y * width + Math.min((column + 1) * factor, width));
      const share = 3 / ((end - at) * rows);
      for (; at < end; at += 3) {
        red += data[at]!;
        green += data[at + 1]!;
        blue += data[at + 2]!;
      }
      out[to]! += red * share;
      out[to + 1]! += green * share;
      out[to + 2]! += blue * share;
    }
  }
  return {
    image: { width: columns, height: bottom - top, data: out },
    region: {
      x: region.x / factor - left,
      y: region.y / factor - top,
      width: region.width / factor,
      height: region.height / factor,
    },
  };
}

/** Blocks per output pixel along an axis, at least: enough to keep the weights a triangle. */
const BLOCKS_PER_PIXEL = 2.5;

/**
 * A rectangle of an image as `width` × `height` pixels, bilinear and antialiased (like PIL's `BILINEAR`, without its
 * rounding). Beyond the image the border is repeated, or every value is `fill`.
 */
export function resampleRegion(
  image: AnyImage,
  region: Box,
  width: number,
  height: number,
  fill?: number,
): FloatImage {
  const scale = Math.max(region.width / width, region.height / height);
  const factor = Math.floor(Math.min(region.width / width, region.height / height) / BLOCKS_PER_PIXEL);
  // Averaging reads each pixel once and multiplies nothing: a photograph of 12 megapixels takes half the time.
  if (factor >= 3) {
    const blocks = averageBlocks(image, region, factor, 2 * scale);
    return resampleRegion(blocks.image, blocks.region, width, height, fill);
  }
  const repeat = fill === undefined;
  const background = fill ?? 0;
  const across = tapsAlong(region.x, region.width, width, image.width, repeat);
  const down = tapsAlong(region.y, region.height, height, image.height, repeat);
  const out = new Float32Array(height * width * 3).fill(background);
  const [from, to] = [across.first[0]!, across.first[width - 1]! + across.count];
  const source = new Float32Array(3 * (to - from));
  const line = new Float32Array(3 * width);
  // By source rows: each is shrunk once, and no memory beyond the output's is needed.
  let start = 0;
  for (let row = down.first[0]!; row < down.first[height - 1]! + down.count; row++) {
    while (down.first[start]! + down.count <= row) start++;
    if (down.first[start]! > row) continue;
    source.set(image.data.subarray(3 * (row * image.width + from), 3 * (row * image.width + to)));
    resampleRow(source, across, background, line);
    for (let i = start; i < height && down.first[i]! <= row; i++) {
      const weight = down.weights[i * down.count + row - down.first[i]!]!;
      if (weight === 0) continue;
      const target = i * line.length;
      for (let j = 0; j < line.length; j++) out[target + j]! += weight * line[j]!;
    }
  }
  return { width, height, data: out };
}

/** Resamples one row, given from its first source pixel, as a difference from the background. */
function resampleRow(
  source: Float32Array,
  { first, count, weights }: Taps,
  background: number,
  line: Float32Array,
): void {
  const from = first[0]!;
  for (let i = 0; i < first.length; i++) {
    let [red, green, blue, total] = [0, 0, 0, 0];
    let at = 3 * (first[i]! - from);
    for (let k = i * count; k < (i + 1) * count; k++, at += 3) {
      const weight = weights[k]!;
      red += weight * source[at]!;
      green += weight * source[at + 1]!;
      blue += weight * source[at + 2]!;
      total += weight;
    }
    line[3 * i] = red - total * background;
    line[3 * i + 1] = green - total * background;
    line[3 * i + 2] = blue - total * background;
  }
}
