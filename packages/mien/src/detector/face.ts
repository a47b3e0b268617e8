// A detected face: plain data in pixels of the photograph.

/**
 * A position in an image, in pixels from its top left corner: (0, 0) is the outer corner of the first pixel, (0.5, 0.5)
 * its centre.
 */
export interface Point {
  /** To the right. */
  readonly x: number;
  /** Downwards. */
  readonly y: number;
}

/** A rectangle in pixels of the image, from its upper left corner. It may extend beyond the image. */
export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

/** BlazeFace's key points in the order of its outputs. Right and left are the person's own. */
export const keyPointNames = ['rightEye', 'leftEye', 'noseTip', 'mouth', 'rightEar', 'leftEar'] as const;
type KeyPointName = (typeof keyPointNames)[number];
export type KeyPoints = Readonly<Record<KeyPointName, Point>>;

export interface DetectedFace {
  /** From the forehead to the chin, in pixels of the image. */
  readonly box: Box;
  /** In pixels of the image; estimated where hidden, such as the far eye and ear of a face in profile. */
  readonly keyPoints: KeyPoints;
  /** The detector's confidence, in (0, 1): the mean over its first and last pass. Not a calibrated probability. */
  readonly score: number;
}
