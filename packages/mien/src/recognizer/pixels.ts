// Pixels that come decoded, as a camera, a canvas or a tensor gives them: read where they are unambiguous.
import { kindOf, MienError, repeated, tagOf } from 'mien-engine/base';
import type { DecodedImage } from '../encoders/encoder.js';
import { rgbFromGrey } from '../encoders/grey.js';
import { bytesIn, steadyBytes } from './bytes.js';
import type { RawImage } from './types.js';

const refuse = (message: string, hint?: string): MienError =>
  new MienError('data', message, { field: 'image', hint });

const isSide = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0;

/** A `RawImage` whose fields are not checked yet. */
type Given = { readonly [Key in keyof RawImage]: unknown };

/**
 * RGB of grey, RGB or RGBA pixels; what is transparent lies on white.
 * @throws MienError `data` that names the array when its length fits none of them, or its values are not whole numbers
 *   from 0 to 255.
 */
export function rgbOf({ width, height, data }: Given): DecodedImage {
  if (!isSide(width) || !isSide(height))
    throw refuse(`an image of ${repeated(width)} × ${repeated(height)} pixels is not possible`);
  const bytes = bytesIn(data);
  const values = bytes ?? arrayOf(data);
  const pixels = width * height;
  const channels = values.length / pixels;
  if (channels !== 1 && channels !== 3 && channels !== 4)
    throw refuse(
      `${values.length} values do not make ${width} × ${height} pixels of one (grey), three (RGB) or four (RGBA)`,
      Array.isArray(values[0]) ? 'Join rows that are arrays of their own to one array.' : undefined,
    );
  const image = { width, height, data: bytes ? steadyBytes(bytes) : wholeNumbers(values, data) };
  return channels === 1 ? rgbFromGrey(image) : channels === 3 ? image : onWhite(image);
}

function arrayOf(data: unknown): ArrayLike<unknown> {
  if (ArrayBuffer.isView(data) || Array.isArray(data)) return data as unknown as ArrayLike<unknown>;
  throw refuse(`its data is ${kindOf(data)}`, 'Give pixels as a typed array or an array of numbers.');
}

/** Whether an array could hold pixels from 0 to 1 as well. */
const isFraction = (data: unknown): boolean => /^(Float\d+)?Array$/.test(tagOf(data));

function wholeNumbers(values: ArrayLike<unknown>, data: unknown): Uint8Array {
  const bytes = new Uint8Array(values.length);
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const given = values[i];
    const value = typeof given === 'bigint' ? Number(given) : given;
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 255)
      throw refuse(
        `pixels are whole numbers from 0 to 255, but ${kindOf(data)} holds ${repeated(value)} at ${i}`,
        'Multiply pixels from 0 to 1 by 255 and round them; divide 16-bit ones by 257 and round them.',
      );
    bytes[i] = value as number;
    most = Math.max(most, value as number);
  }
  // All 0 is black either way.
  if (most === 1 && isFraction(data))
    throw refuse(
      `${kindOf(data)} that holds 0 and 1 alone may mean pixels from 0 to 1 or from 0 to 255`,
      'Multiply pixels from 0 to 1 by 255, or give those from 0 to 255 as a Uint8Array.',
    );
  return bytes;
}

/** RGB of RGBA. */
function onWhite({ width, height, data }: DecodedImage): DecodedImage {
  const rgb = new Uint8Array(width * height * 3);
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
