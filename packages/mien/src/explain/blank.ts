// A face that shows nothing: what attributions of a face are counted from.
import type { DecodedImage } from '../encoders/encoder.js';

/** The image blurred until nothing of a face is left: box means over this share of its longer side, several times. */
const REACH = 1 / 8;
const PASSES = 2;

/**
 * The image out of focus. It keeps the colours and the light of the face, which a blank of one colour does not, and is
 * something a camera could have seen.
 */
export function blankOf({ width, height, data }: DecodedImage): DecodedImage {
  const radius = Math.max(1, Math.round(REACH * Math.max(width, height)));
  let values = Float32Array.from(data);
  for (let pass = 0; pass < PASSES; pass++) {
    values = boxMeans(values, { lines: height, length: width, step: 3, stride: 3 * width }, radius);
    values = boxMeans(values, { lines: width, length: height, step: 3 * width, stride: 3 }, radius);
  }
  return { width, height, data: Uint8Array.from(values, Math.round) };
}

interface Layout {
  readonly lines: number;
  /** Pixels of a line. */
  readonly length: number;
  /** From a pixel to the next of its line, and from a line to the next. */
  readonly step: number;
  readonly stride: number;
}

/** Means over `2 · radius + 1` pixels along lines; beyond the border it is repeated. */
function boxMeans(
  values: Float32Array,
  { lines, length, step, stride }: Layout,
  radius: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(values.length);
  const inside = (i: number): number => Math.min(Math.max(i, 0), length - 1);
  for (let line = 0; line < lines; line++)
    for (let channel = 0; channel < 3; channel++) {
      const at = (i: number): number => values[line * stride + inside(i) * step + channel]!;
      let sum = 0;
      for (let i = -radius; i <= radius; i++) sum += at(i);
      for (let i = 0; i < length; i++) {
        out[line * stride + i * step + channel] = sum / (2 * radius + 1);
        sum += at(i + radius + 1) - at(i - radius);
      }
    }
  return out;
}
