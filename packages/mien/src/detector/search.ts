// Where a photograph is searched: as a whole, in overlapping tiles for faces that are small in it, and around a face.
import type { DecodedImage } from '../encoders/encoder.js';
import type { Box, DetectedFace } from './face.js';
import { uprightFrame, type Frame } from './frame.js';

type Size = Pick<DecodedImage, 'width' | 'height'>;

/** The smallest box that is found, as a share of the side of a frame: 16 of 256 pixels. */
export const SMALLEST = 1 / 16;
/** Share of a tile that the next one repeats: a face too small for the tiles before fits into it. */
const REPEATED = 0.25;
/** How much smaller, at most, the next tiles are. */
const STEP = 2.5;
/**
 * Margin on each side of an image in which nothing is found, in longer sides: cropped faces fill the image, and
 * BlazeFace wants surroundings. Of 200 to 400 training faces of RAF-DB and of FER2013 each, one look finds 78% and
 * 92% without margin, 97% and 100% with half a side, 99% and 100% with this, where scores are highest.
 */
const MARGIN = 1.25;
/** Side of the frame around a face for a closer look, in sides of its box. */
const CLOSE = 3.75;
/** Faces that lean by less are looked at upright: turning the pixels would gain nothing and take time. cos 20° */
const UPRIGHT = 0.94;

/** The whole image in a square, with `margin` of its longer side on each side. */
const wholeFrame = ({ width, height }: Size, margin = 0): Frame =>
  uprightFrame({ x: width / 2, y: height / 2 }, Math.max(width, height) * (1 + 2 * margin));

/** The whole image with surroundings, for faces that fill it. */
export const framed = (image: Size): Frame => wholeFrame(image, MARGIN);

/**
 * Frames in which every face has a box of at least `SMALLEST` of a frame and is whole in one of them: the whole image
 * and, for faces below a share of `SMALLEST` of it, tiles of ever smaller sides.
 */
export function searchFrames(image: Size, minSize: number | undefined): Frame[] {
  const whole = wholeFrame(image);
  if (minSize === undefined || minSize >= whole.side * SMALLEST) return [whole];
  const ratio = minSize / (whole.side * SMALLEST);
  const levels = Math.ceil(Math.log(1 / ratio) / Math.log(STEP));
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
  const count = Math.ceil((length - side) / (side * (1 - REPEATED))) + 1;
  return Array.from({ length: count }, (_, i) => side / 2 + (i * (length - side)) / (count - 1));
}

/** Whether a tile's edge cuts a box where the image goes on: another tile has all of the face. */
export function isCutOff(box: Box, { centre, side }: Frame, { width, height }: Size): boolean {
  const cut = (start: number, length: number, middle: number, limit: number): boolean => {
    const [from, to] = [middle - side / 2, middle + side / 2];
    return (from > 0 && start < from) || (to < limit && start + length > to);
  };
  return cut(box.x, box.width, centre.x, width) || cut(box.y, box.height, centre.y, height);
}

/** The frame for a closer look at a face: centred on it, and levelled when it leans. */
export function closeFrame({ box, keyPoints: { rightEye, leftEye } }: DetectedFace): Frame {
  const centre = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const frame = uprightFrame(centre, CLOSE * Math.max(box.width, box.height));
  const [x, y] = [leftEye.x - rightEye.x, leftEye.y - rightEye.y];
  const distance = Math.sqrt(x * x + y * y);
  return x >= UPRIGHT * distance ? frame : { ...frame, across: { x: x / distance, y: y / distance } };
}
