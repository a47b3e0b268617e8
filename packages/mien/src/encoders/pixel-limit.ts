// How large an image may be: a file of a few kilobytes can say that it has billions of pixels.
import { type ErrorPlace, MienError } from 'mien-engine/base';

/** Images of more pixels are not read unless that is allowed. */
export const MOST_PIXELS = 50_000_000;

const megapixels = (pixels: number): number => Number((pixels / 1e6).toPrecision(3));

/** @throws MienError `data` that says size, limit and how to raise it, when an image has more pixels than `maxPixels`. */
export function checkPixels(
  { width, height }: { readonly width: number; readonly height: number },
  maxPixels: number = MOST_PIXELS,
  place: ErrorPlace = { field: 'image' },
): void {
  const pixels = width * height;
  if (pixels <= maxPixels) return;
  throw new MienError(
    'data',
    `has ${width} × ${height} pixels (${megapixels(pixels)} megapixels), more than the ${megapixels(maxPixels)} megapixels that are read`,
    {
      ...place,
      hint: `Make it smaller, or allow it with maxPixels: ${pixels} (on the command line: --max-pixels ${Math.ceil(pixels / 1e6)}).`,
    },
  );
}
