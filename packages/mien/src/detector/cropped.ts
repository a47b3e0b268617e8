// Tells images that are a face already, as those of the training sets, from photographs with a face in them.
import type { DecodedImage } from '../encoders/encoder.js';
import { faceFrame } from './align.js';
import type { DetectedFace } from './face.js';

/** Least side of the face's frame in longer sides of the image; docs/faces.md says how many crops have it. */
const FILLS = 0.6;

/**
 * Whether an image is one cropped face: `faces`, all that were detected in it, are one, and what `alignFace` would cut
 * out is about the whole image. Such an image can go to a face encoder as it is.
 */
export function isCroppedFace(
  { width, height }: Pick<DecodedImage, 'width' | 'height'>,
  faces: readonly DetectedFace[],
): boolean {
  const [face, ...others] = faces;
  return face !== undefined && others.length === 0 && faceFrame(face).side >= FILLS * Math.max(width, height);
}
