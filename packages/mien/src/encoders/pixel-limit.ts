// Limits the size of images: the header of a file of a few kilobytes can announce billions of pixels.
import { type ErrorPlace, MienError } from 'mien-engine/base';

/** Default limit. */
export const MOST_PIXELS = 50_000_000;

const megapixels = (pixels: number): number => Number((pixels / 1e6).toPrecision(3));

/** @throws MienError `data`, saying how to raise the limit, when an image has more than `maxPixels` pixels. */
export function checkPixels(
  { width, height }: { readonly width: number; readonly height: number },
  maxPixels: number = MOST_PIXELS,
  place: ErrorPlace = { field: 'image' },
): void {
  const pixels = width * height;
  if (pixels <= maxPixels) return;
  throw new MienError(
    'data',
    `has ${width} × ${height} pixels (${megapixels(pixels)} megapixels), more than the limit of ${megapixels(maxPixels)} megapixels`,
    {
      ...place,
      hint: `Scale it down, or raise the limit with maxPixels: ${pixels} (on the command line: --max-pixels ${Math.ceil(pixels / 1e6)}).`,
    },
  );
}
