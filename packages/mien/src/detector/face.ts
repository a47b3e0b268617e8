// What a detected face is: plain data in pixels of the photograph.

/** A place in an image in pixels; (0, 0) is the outer corner of the first pixel, (0.5, 0.5) its centre. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A rectangle in pixels of the image, from its upper left corner. It may reach beyond the image. */
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
  /** Estimated, also where hidden: the far eye and ear of a face in profile. In pixels of the image. */
  readonly keyPoints: KeyPoints;
  /** How sure the detector is, in (0, 1): the mean of its first and its last look. Not a calibrated probability. */
  readonly score: number;
}
