// The baseline for attributions of a face: its blurred image.
import type { DecodedImage } from '../encoders/encoder.js';

/** Radius of the blur as a share of the longer side, and number of box filter passes: no facial features are left. */
const REACH = 1 / 8;
const PASSES = 2;

/**
 * The blurred image. Unlike a uniform colour it keeps the colours and the light of the face, and a camera could have taken
 * it.
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
  /** Pixels per line. */
  readonly length: number;
  /** Offset from a pixel to the next in its line, and from a line to the next. */
  readonly step: number;
  readonly stride: number;
}

/** Means over `2 · radius + 1` pixels along lines; border pixels are repeated. */
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
