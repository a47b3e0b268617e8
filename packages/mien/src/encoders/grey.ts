// Grey images as RGB, in a file of its own since browsers do not decode as Node does.
import type { DecodedImage } from './encoder.js';

/** Grey pixels `[height, width]` as RGB. */
export function rgbFromGrey({ data, ...size }: DecodedImage): DecodedImage {
  const rgb = new Uint8Array(data.length * 3);
  data.forEach((grey, i) => rgb.fill(grey, 3 * i, 3 * i + 3));
  return { ...size, data: rgb };
}
