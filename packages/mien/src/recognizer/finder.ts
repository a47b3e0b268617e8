// The recogniser's faces: detected in photographs, levelled and cut out.
import { alignFace, faceFrame, isCroppedFace } from '../detector/align.js';
import { createDetector, type Detector, type DetectorOptions } from '../detector/detector.js';
import type { DetectedFace } from '../detector/face.js';
import { fromFrame } from '../detector/frame.js';
import type { DecodedImage } from '../encoders/encoder.js';
import { cornersOf } from '../modalities/face/read.js';
import type { FaceFinder } from '../modalities/modality.js';
import type { FacePlace } from './types.js';

/** Of a crowd only the largest, since each takes detector passes of its own. */
const MAX_FACES = 32;

const isWhole = (image: DecodedImage, all: readonly FacePlace[]): boolean =>
  isCroppedFace(image, all as readonly DetectedFace[]);

/**
 * A face finder from the bytes of the detector's model. An image that one face fills is used as it is: it is already
 * cropped, like the training images.
 * @throws MienError as `createDetector` does.
 */
export async function faceFinder(model: Uint8Array, options: DetectorOptions = {}): Promise<FaceFinder> {
  const detector = await createDetector(model, options);
  return finderOf({ open: async () => detector, dispose: () => detector.dispose() });
}

/**
 * As `faceFinder`, for a model that may still be on its way: the detector is opened for the first image, and after a
 * failure again for the next.
 */
export function laterFaceFinder(model: () => Promise<Uint8Array>): FaceFinder & { open(): Promise<unknown> } {
  let opened: Promise<Detector> | undefined;
  const open = (): Promise<Detector> =>
    (opened ??= model()
      .then((content) => createDetector(content))
      .catch((error: unknown) => {
        opened = undefined;
        throw error;
      }));
  return { ...finderOf({ open, dispose: async () => (await opened)?.dispose() }), open };
}

function finderOf({
  open,
  dispose,
}: {
  readonly open: () => Promise<Detector>;
  readonly dispose: () => Promise<void>;
}): FaceFinder {
  return {
    // `near` holds faces that this detector returned, so that they have its key points.
    find: async (image, near = []) =>
      (await open()).detect(image, { maxFaces: MAX_FACES, near: near as readonly DetectedFace[] }),
    crop: (image, place, all = []) => (isWhole(image, all) ? image : alignFace(image, place as DetectedFace)),
    corners: (image, place, all = []) => {
      if (isWhole(image, all)) return cornersOf({ x: 0, y: 0, width: image.width, height: image.height });
      const frame = faceFrame(place as DetectedFace);
      const corner = (x: number, y: number) => fromFrame(frame, { x, y });
      return [corner(0, 0), corner(1, 0), corner(1, 1), corner(0, 1)];
    },
    dispose,
  };
}
