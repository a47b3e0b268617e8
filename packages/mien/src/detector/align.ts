// Cuts a face out of a photograph, levelled and framed like the training faces, and recognises images cut that way.
import { MienError } from 'mien-engine/base';
import type { DecodedImage } from '../encoders/encoder.js';
import type { DetectedFace } from './face.js';
import { cutOut, type CropFrame } from './frame.js';
import { checkImage } from './resample.js';

/**
 * Where RAF-DB's aligned images have the face, in sides of the image. Medians over the 1,459 faces that this detector
 * finds in 1,500 of its training images: the point halfway from eyes to mouth, the distance between the eyes (.445) and
 * from their midpoint to the mouth (.432). Taking the larger of two frames overestimates by 2.4% in the median, so both
 * distances are enlarged by that. docs/faces.md has the whole table.
 */
const TEMPLATE = {
  middle: { x: 0.488, y: 0.55 },
  eyeDistance: 0.456,
  mouthDistance: 0.442,
} as const;

/** Side of RAF-DB's aligned images in pixels. */
const SIZE = 100;

/**
 * The square that `alignFace` cuts out, levelled by the eyes. Its side makes the distance between the eyes, or from eyes
 * to mouth, that of the template, whichever side is larger: a face turned aside has its eyes closer together, one that
 * looks down its mouth closer to the eyes, and neither should be cut more tightly for it.
 * @throws MienError `data` when both eyes are at the same point.
 */
export function faceFrame({ keyPoints: { rightEye, leftEye, mouth } }: DetectedFace): CropFrame {
  const [dx, dy] = [leftEye.x - rightEye.x, leftEye.y - rightEye.y];
  const apart = Math.sqrt(dx * dx + dy * dy);
  if (!(apart > 0))
    throw new MienError('data', 'both eyes of this face are at the same point, so it cannot be levelled', {
      hint: 'Pass a face as detect() returns it.',
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
 * The face as `size` × `size` pixels (default 100), 8-bit RGB: eyes level, framed like RAF-DB's aligned images, bilinear,
 * antialiased when shrunk, the border repeated where the frame extends beyond the photograph.
 * @throws MienError `config` when the size is not a whole number of pixels; `data` when both eyes are at the same point,
 *   or the image's data does not match its size.
 */
export function alignFace(image: DecodedImage, face: DetectedFace, size: number = SIZE): DecodedImage {
  if (!Number.isInteger(size) || size < 1)
    throw new MienError('config', `must be a whole number of pixels, got ${size}`, { field: 'size' });
  checkImage(image);
  const { data } = cutOut(image, faceFrame(face), size);
  const rounded = new Uint8Array(data.length);
  // Not `Uint8Array.from`, which iterates: 2 ms of a camera's frame.
  for (let i = 0; i < data.length; i++) rounded[i] = Math.round(data[i]!);
  return { width: size, height: size, data: rounded };
}

/** Smallest frame of a cropped face, in longer sides of the image; docs/faces.md says how many crops reach it. */
const CROPPED_SIDE = 0.6;

/**
 * Whether an image is one cropped face, like those of the training sets, and can go to a face encoder as it is: `faces`,
 * all that were detected in it, are one, and `alignFace` would cut out about the whole image.
 */
export function isCroppedFace(
  { width, height }: Pick<DecodedImage, 'width' | 'height'>,
  faces: readonly DetectedFace[],
): boolean {
  const [face, ...others] = faces;
  if (face === undefined || others.length > 0) return false;
  return faceFrame(face).side >= CROPPED_SIDE * Math.max(width, height);
}
