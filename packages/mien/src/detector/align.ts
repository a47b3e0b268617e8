// Cuts a face out of a photograph, levelled and framed as the training faces are.
import { MienError } from 'mien-engine/base';
import type { DecodedImage } from '../encoders/encoder.js';
import type { DetectedFace } from './face.js';
import { cutOut, type Frame } from './frame.js';
import { checkImage } from './resample.js';

/**
 * How RAF-DB's aligned images hold a face, in sides of the image. Measured with this detector on 1,500 of its training
 * images (1,459 found): medians of the place halfway from eyes to mouth, of the distance between the eyes (.445) and of
 * that from their midpoint to the mouth (.432). The frame is made from whichever distance gives more, which by their
 * spread alone is 2.4% too much in the median; both are larger here by that. docs/faces.md has the whole table.
 */
const TEMPLATE = {
  middle: { x: 0.488, y: 0.55 },
  eyeDistance: 0.456,
  mouthDistance: 0.442,
} as const;

/** Side of the aligned images of RAF-DB. */
const SIZE = 100;

/**
 * The square that `alignFace` cuts out. The line through the eyes becomes level. The side is that at which eyes, or eyes
 * and mouth, are as far apart as in the template, whichever gives more: a face that is turned aside has its eyes closer
 * together, one that looks down its mouth closer to the eyes, and neither is smaller for it.
 * @throws MienError `data` when the face's eyes are in one place.
 */
export function faceFrame({ keyPoints: { rightEye, leftEye, mouth } }: DetectedFace): Frame {
  const [dx, dy] = [leftEye.x - rightEye.x, leftEye.y - rightEye.y];
  const apart = Math.sqrt(dx * dx + dy * dy);
  if (!(apart > 0))
    throw new MienError('data', 'the eyes of this face are in one place, so that it has no direction', {
      hint: 'Give a face as detect() returns it.',
    });
  const eyes = { x: (rightEye.x + leftEye.x) / 2, y: (rightEye.y + leftEye.y) / 2 };
  const [mx, my] = [mouth.x - eyes.x, mouth.y - eyes.y];
  const down = Math.sqrt(mx * mx + my * my);
  const side = Math.max(apart / TEMPLATE.eyeDistance, down / TEMPLATE.mouthDistance);
  const across = { x: dx / apart, y: dy / apart };
  const middle = { x: eyes.x + mx / 2, y: eyes.y + my / 2 };
  const [right, below] = [(0.5 - TEMPLATE.middle.x) * side, (0.5 - TEMPLATE.middle.y) * side];
  return {
    centre: {
      x: middle.x + right * across.x - below * across.y,
      y: middle.y + right * across.y + below * across.x,
    },
    side,
    across,
  };
}

/**
 * The face cut out as `size` × `size` pixels (default 100), 8-bit RGB: eyes level, framed as RAF-DB's aligned images,
 * bilinear, antialiased when shrunk, the border repeated where the frame reaches beyond the photograph.
 * @throws MienError `config` when the size is no whole number of pixels; `data` when the face has no direction, or the
 *   image's bytes are not those of its size.
 */
export function alignFace(image: DecodedImage, face: DetectedFace, size: number = SIZE): DecodedImage {
  if (!Number.isInteger(size) || size < 1)
    throw new MienError('config', `must be a whole number of pixels, got ${size}`, { field: 'size' });
  checkImage(image);
  const { data } = cutOut(image, faceFrame(face), size);
  return { width: size, height: size, data: Uint8Array.from(data, (value) => Math.round(value)) };
}
