// Grey images as the encoders read them; apart from decoding, which browsers do by other means.
import type { DecodedImage } from './encoder.js';

/** Grey pixels `[height, width]` as RGB. */
export function rgbFromGrey({ data, ...size }: DecodedImage): DecodedImage {
  const rgb = new Uint8Array(data.length * 3);
  data.forEach((grey, i) => rgb.fill(grey, 3 * i, 3 * i + 3));
  return { ...size, data: rgb };
}
