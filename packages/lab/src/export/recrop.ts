// Test faces as other people would crop them: another scale, another place, no colour.
import type { RandomStream } from 'mien-engine/base';
import type { DecodedImage } from 'mien/parts/encoders';

export interface Recrop {
  /** Factor, at most, by which the crop is larger or smaller. */
  readonly scale: number;
  /** Shift at most, as a share of the side. */
  readonly shift: number;
}

/** The image cropped anew at random; what lies outside repeats the border. */
export function recropped(image: DecodedImage, { scale, shift }: Recrop, draw: RandomStream): DecodedImage {
  const { width, height, data } = image;
  const signed = (most: number): number => (2 * draw.uniform() - 1) * most;
  const factor = Math.exp(signed(Math.log(scale)));
  const [right, down] = [signed(shift) * width, signed(shift) * height];
  const out = new Uint8Array(data.length);
  const place = (i: number, side: number, moved: number): [number, number, number] => {
    const at = Math.min(Math.max((i + 0.5 - side / 2) * factor + side / 2 + moved - 0.5, 0), side - 1);
    const low = Math.floor(at);
    return [low, Math.min(low + 1, side - 1), at - low];
  };
  for (let y = 0; y < height; y++) {
    const [top, bottom, v] = place(y, height, down);
    for (let x = 0; x < width; x++) {
      const [left, end, u] = place(x, width, right);
      for (let c = 0; c < 3; c++) {
        const at = (row: number, column: number): number => data[3 * (row * width + column) + c]!;
        const upper = at(top, left) + u * (at(top, end) - at(top, left));
        const lower = at(bottom, left) + u * (at(bottom, end) - at(bottom, left));
        out[3 * (y * width + x) + c] = Math.round(upper + v * (lower - upper));
      }
    }
  }
  return { width, height, data: out };
}

/** The image without colour (ITU-R BT.601). */
export function greyed({ width, height, data }: DecodedImage): DecodedImage {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3)
    out.fill(Math.round(0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]!), i, i + 3);
  return { width, height, data: out };
}
