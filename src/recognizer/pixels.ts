// Pixels that come decoded, as a camera or a canvas gives them.
import { MienError } from '../base/errors.js';
import type { DecodedImage } from '../encoders/encoder.js';
import type { ImageSource, RawImage } from './types.js';

export const isRawImage = (source: ImageSource): source is RawImage =>
  typeof source === 'object' &&
  source !== null &&
  'width' in source &&
  'height' in source &&
  'data' in source;

/**
 * RGB of RGB or RGBA pixels; what is transparent lies on white.
 * @throws MienError `data` when the data's length fits neither.
 */
export function rgbOf({ width, height, data }: RawImage): DecodedImage {
  const pixels = width * height;
  if (!Number.isInteger(width) || !Number.isInteger(height) || pixels < 1)
    throw new MienError('data', `an image of ${width} × ${height} pixels is not possible`, {
      field: 'image',
    });
  if (data.length === pixels * 3)
    return { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.length) };
  if (data.length !== pixels * 4)
    throw new MienError(
      'data',
      `${data.length} bytes do not make ${width} × ${height} pixels of three (RGB) or four bytes (RGBA)`,
      { field: 'image' },
    );
  const rgb = new Uint8Array(pixels * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    const alpha = data[from + 3]!;
    // A camera's frame has 300,000 pixels, all opaque.
    if (alpha === 255) {
      rgb[to] = data[from]!;
      rgb[to + 1] = data[from + 1]!;
      rgb[to + 2] = data[from + 2]!;
    } else
      for (let c = 0; c < 3; c++) rgb[to + c] = Math.round((data[from + c]! * alpha) / 255 + 255 - alpha);
  }
  return { width, height, data: rgb };
}
