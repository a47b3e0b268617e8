// Converts decoded pixels, as a camera, a canvas or a tensor provides them, and rejects ambiguous ones.
import { describeType, MienError, repeated, tagOf } from 'mien-engine/base';
import { type DecodedImage, rgbFromGrey } from '../encoders/encoder.js';
import { bytesIn, steadyBytes } from '../base/bytes.js';
import type { RawImage } from './types.js';

const refuse = (message: string, hint?: string): MienError =>
  new MienError('data', message, { field: 'image', hint });

const isSide = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0;

/** A `RawImage` that has not been checked. */
type Unchecked = { readonly [Key in keyof RawImage]: unknown };

/**
 * RGB of grey, RGB or RGBA pixels; transparent pixels are blended with white.
 * @throws MienError `data` that names the array when its length fits none of these, or its values are not integers from
 *   0 to 255.
 */
export function rgbOf({ width, height, data }: Unchecked): DecodedImage {
  if (!isSide(width) || !isSide(height))
    throw refuse(`an image cannot have ${repeated(width)} × ${repeated(height)} pixels`);
  const bytes = bytesIn(data);
  const values = bytes ?? arrayOf(data);
  const pixels = width * height;
  const channels = values.length / pixels;
  if (channels !== 1 && channels !== 3 && channels !== 4)
    throw refuse(
      `${values.length} values do not fit ${width} × ${height} pixels of one (grey), three (RGB) or four (RGBA)`,
      Array.isArray(values[0]) ? 'Flatten nested rows into one array.' : undefined,
    );
  const image = { width, height, data: bytes ? steadyBytes(bytes) : bytesOf(values, data) };
  return channels === 1 ? rgbFromGrey(image) : channels === 3 ? image : onWhite(image);
}

function arrayOf(data: unknown): ArrayLike<unknown> {
  if (ArrayBuffer.isView(data) || Array.isArray(data)) return data as unknown as ArrayLike<unknown>;
  throw refuse(`its data is ${describeType(data)}`, 'Pass pixels as a typed array or an array of numbers.');
}

/** Whether an array may also contain pixels from 0 to 1. */
const mayBeFractions = (data: unknown): boolean => /^(Float\d+)?Array$/.test(tagOf(data));

function bytesOf(values: ArrayLike<unknown>, data: unknown): Uint8Array {
  const bytes = new Uint8Array(values.length);
  let max = 0;
  for (let i = 0; i < values.length; i++) {
    const raw = values[i];
    const value = typeof raw === 'bigint' ? Number(raw) : raw;
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 255)
      throw refuse(
        `pixels must be integers from 0 to 255, but ${describeType(data)} has ${repeated(value)} at index ${i}`,
        'Multiply pixels from 0 to 1 by 255 and round them; divide 16-bit ones by 257 and round them.',
      );
    bytes[i] = value as number;
    max = Math.max(max, value as number);
  }
  // All 0 is black in either range.
  if (max === 1 && mayBeFractions(data))
    throw refuse(
      `${describeType(data)} with only 0 and 1 may mean pixels from 0 to 1 or from 0 to 255`,
      'Multiply pixels from 0 to 1 by 255, or pass those from 0 to 255 as a Uint8Array.',
    );
  return bytes;
}

/** RGB of RGBA, blended with white. */
function onWhite({ width, height, data }: DecodedImage): DecodedImage {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    const alpha = data[from + 3]!;
    // The common case: a camera's frame has 300,000 pixels, all opaque.
    if (alpha === 255) {
      rgb[to] = data[from]!;
      rgb[to + 1] = data[from + 1]!;
      rgb[to + 2] = data[from + 2]!;
    } else
      for (let c = 0; c < 3; c++) rgb[to + c] = Math.round((data[from + c]! * alpha) / 255 + 255 - alpha);
  }
  return { width, height, data: rgb };
}
