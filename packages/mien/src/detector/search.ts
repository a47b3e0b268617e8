// The frames that the detector searches: the whole photograph, overlapping tiles for small faces, and around a face.
import type { DecodedImage } from '../encoders/encoder.js';
import type { Box, DetectedFace } from './face.js';
import { uprightFrame, type CropFrame } from './frame.js';

type Size = Pick<DecodedImage, 'width' | 'height'>;

/** The smallest box that is detected, as a share of the frame's side: 16 of 256 pixels. */
export const MIN_BOX_SHARE = 1 / 16;
/** Overlap of neighbouring tiles as a share of their side: any face too small for larger tiles fits into it. */
const TILE_OVERLAP = 0.25;
/** Largest ratio between the sides of successive tile sizes. */
const MAX_TILE_RATIO = 2.5;
/**
 * Padding on each side of an image in which nothing is found, in longer sides: cropped faces fill the image, and
 * BlazeFace needs surroundings. Of 200 to 400 training faces of RAF-DB and of FER2013 each, one pass finds 78% and
 * 92% without padding, 97% and 100% with half a side, 99% and 100% with this, which also gives the highest scores.
 */
const PADDING = 1.25;
/** Side of the frame around a face in a refining pass, in sides of its box. */
const REFINING_SIDE = 3.75;
/** Faces tilted by less than 20° (its cosine) are not levelled: that would gain nothing and take time. */
const LEVEL = 0.94;

/** The whole image in a square, with `padding` times its longer side on each side. */
const wholeFrame = ({ width, height }: Size, padding = 0): CropFrame =>
  uprightFrame({ x: width / 2, y: height / 2 }, Math.max(width, height) * (1 + 2 * padding));

/** The whole image with surroundings, for faces that fill it. */
export const paddedFrame = (image: Size): CropFrame => wholeFrame(image, PADDING);

/**
 * Frames such that every face of at least `minSize` lies within one of which its box has at least `MIN_BOX_SHARE`: the
 * whole image and, for smaller faces, tiles of decreasing sides.
 */
export function searchFrames(image: Size, minSize: number | undefined): CropFrame[] {
  const whole = wholeFrame(image);
  if (minSize === undefined || minSize >= whole.side * MIN_BOX_SHARE) return [whole];
  const ratio = minSize / (whole.side * MIN_BOX_SHARE);
  const levels = Math.ceil(Math.log(1 / ratio) / Math.log(MAX_TILE_RATIO));
  const sides = Array.from({ length: levels }, (_, i) => whole.side * ratio ** ((i + 1) / levels));
  const tiles = sides.flatMap((side) =>
    centres(image.height, side).flatMap((y) =>
      centres(image.width, side).map((x) => uprightFrame({ x, y }, side)),
    ),
  );
  return [whole, ...tiles];
}

/** Centres of overlapping tiles that cover a length. */
function centres(length: number, side: number): number[] {
  if (length <= side) return [length / 2];
  const count = Math.ceil((length - side) / (side * (1 - TILE_OVERLAP))) + 1;
  return Array.from({ length: count }, (_, i) => side / 2 + (i * (length - side)) / (count - 1));
}

/** Whether a tile's edge cuts a box inside the image: another tile then has the whole face. */
export function isCutOff(box: Box, { centre, side }: CropFrame, { width, height }: Size): boolean {
  const isCut = (start: number, length: number, middle: number, limit: number): boolean => {
    const [from, to] = [middle - side / 2, middle + side / 2];
    return (from > 0 && start < from) || (to < limit && start + length > to);
  };
  return isCut(box.x, box.width, centre.x, width) || isCut(box.y, box.height, centre.y, height);
}

/** The frame in which a face is refined: centred on it, and levelled when it is tilted. */
export function refiningFrame({ box, keyPoints: { rightEye, leftEye } }: DetectedFace): CropFrame {
  const centre = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const frame = uprightFrame(centre, REFINING_SIDE * Math.max(box.width, box.height));
  const [x, y] = [leftEye.x - rightEye.x, leftEye.y - rightEye.y];
  const distance = Math.sqrt(x * x + y * y);
  return x >= LEVEL * distance ? frame : { ...frame, across: { x: x / distance, y: y / distance } };
}
