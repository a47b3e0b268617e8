// Detects faces in photographs: one pass over the whole photograph, then refining passes around each face found.
import { checkOptions, flag, list, number, wholeNumber, type Kinds } from 'mien-engine/base';
import type { DecodedImage } from '../encoders/encoder.js';
import { createBlazeFace } from './blazeface.js';
import type { DetectedFace } from './face.js';
import type { CropFrame } from './frame.js';
import { checkImage } from './resample.js';
import { isCutOff, paddedFrame, refiningFrame, searchFrames } from './search.js';
import { blendOverlapping, overlapOf, SAME_FACE } from './suppression.js';

export interface DetectorOptions {
  /** Threads per operator (default 1: the operators are too small for more). */
  readonly threads?: number;
  /** Whether threads spin while waiting for each other (default false). */
  readonly spinning?: boolean;
}

interface DetectOptions {
  /** Lowest score of a face, in (0, 1) (default .65). Lower values find more faces and more false ones. */
  readonly minScore?: number;
  /** Most faces to return; the largest are kept (default: all). */
  readonly maxFaces?: number;
  /**
   * Side in pixels, at least 12, of the smallest face's box. By default only the photograph as a whole is searched, which
   * begins to miss faces below a sixteenth of its longer side; smaller ones are searched for in overlapping tiles, one
   * pass each.
   */
  readonly minSize?: number;
  /**
   * Faces of the previous frame of a sequence: each is searched for where it was, in one pass, and the whole photograph
   * only when one of them is lost (or none is given). New faces are not found meanwhile.
   */
  readonly near?: readonly DetectedFace[];
}

export interface Detector {
  /**
   * The faces in a photograph, largest first; empty when there is none.
   * @throws MienError `data` when the image's data does not match its size; `usage` for an unknown option or one out of
   *   range; `format` when the model turns out not to be BlazeFace.
   */
  detect(image: DecodedImage, options?: DetectOptions): Promise<DetectedFace[]>;
  dispose(): Promise<void>;
}

/** Lowest score in a single pass: faces that are too small or too large for it score low, and refining decides. */
const CANDIDATE_SCORE = 0.4;
/** Overlap from which a refining pass counts as having found the same face. */
const MATCHED = 0.2;
/** Overlap from which a further refining pass would change nothing. */
const CONVERGED = 0.7;
const MAX_REFINING_PASSES = 3;
const LEAST_MIN_SIZE = 12;

const DETECTOR_OPTIONS: Kinds<DetectorOptions> = { threads: wholeNumber(1), spinning: flag };
const DETECT_OPTIONS: Kinds<DetectOptions> = {
  minScore: number('a number between 0 and 1', (value) => value > 0 && value < 1),
  maxFaces: number(
    'a whole number of faces, at least 1',
    (value) => value === Infinity || (Number.isInteger(value) && value > 0),
  ),
  minSize: number(`a number of pixels, at least ${LEAST_MIN_SIZE}`, (value) => value >= LEAST_MIN_SIZE),
  near: list,
};

/**
 * A detector from the bytes of `models/blazeface/face_detection_back_256x256.onnx`.
 * @throws MienError `format` when they are those of another model; `usage` for an unknown option.
 * @example
 * const detector = await createDetector(model);
 * const [face] = await detector.detect(photograph, { maxFaces: 1 });
 * const cropped = face && alignFace(photograph, face);
 */
export async function createDetector(model: Uint8Array, options: DetectorOptions = {}): Promise<Detector> {
  checkOptions(options, DETECTOR_OPTIONS, 'the face detector');
  const { threads = 1, spinning = false } = options;
  const blazeFace = await createBlazeFace(model, { threads, spinning });

  /** Repeats passes around a face until its box settles: the box and key points of a first pass are rough. */
  const refine = async (image: DecodedImage, candidate: DetectedFace): Promise<DetectedFace | undefined> => {
    let face = candidate;
    for (let i = 0; i < MAX_REFINING_PASSES; i++) {
      const detected = await blazeFace.detect(image, refiningFrame(face), CANDIDATE_SCORE);
      const [refined, overlap] = bestOverlap(detected, face);
      if (refined === undefined || overlap < MATCHED) return undefined;
      face = refined;
      if (overlap >= CONVERGED) break;
    }
    // The mean of both passes: what only one of them takes for a face seldom is one.
    return { ...face, score: (candidate.score + face.score) / 2 };
  };

  const isSeparate = (face: DetectedFace, faces: readonly DetectedFace[]): boolean =>
    faces.every(({ box }) => overlapOf(box, face.box) < SAME_FACE);

  /** The faces at their new places; undefined when one is lost, two have become one, or none was given. */
  const track = async (
    image: DecodedImage,
    near: readonly DetectedFace[],
    minScore: number,
  ): Promise<DetectedFace[] | undefined> => {
    const faces: DetectedFace[] = [];
    for (const face of near) {
      const refined = await refine(image, face);
      if (!refined || !isSeparate(refined, faces) || refined.score < minScore) return undefined;
      faces.push(refined);
    }
    return faces.length > 0 ? largestFirst(faces) : undefined;
  };

  const detect: Detector['detect'] = async (image, options = {}) => {
    checkImage(image);
    checkOptions(options, DETECT_OPTIONS, 'face detection');
    const { minScore = 0.65, maxFaces = Infinity, minSize, near = [] } = options;
    const tracked = await track(image, near.slice(0, maxFaces), minScore);
    if (tracked) return tracked;
    const search = async (frames: readonly CropFrame[]): Promise<DetectedFace[]> => {
      const candidates: DetectedFace[] = [];
      for (const frame of frames)
        for (const face of await blazeFace.detect(image, frame, CANDIDATE_SCORE))
          if (!isCutOff(face.box, frame, image)) candidates.push(face);
      const faces: DetectedFace[] = [];
      for (const candidate of largestFirst(blendOverlapping(candidates, SAME_FACE))) {
        if (faces.length >= maxFaces) break;
        if (!isSeparate(candidate, faces)) continue;
        const face = await refine(image, candidate);
        if (face && isSeparate(face, faces) && face.score >= minScore) faces.push(face);
      }
      return largestFirst(faces);
    };
    const faces = await search(searchFrames(image, minSize));
    return faces.length > 0 ? faces : search([paddedFrame(image)]);
  };
  return { detect, dispose: () => blazeFace.dispose() };
}

const areaOf = ({ box }: DetectedFace): number => box.width * box.height;
const largestFirst = (faces: readonly DetectedFace[]): DetectedFace[] =>
  [...faces].sort((a, b) => areaOf(b) - areaOf(a));

/** The face that overlaps another the most, and by how much. */
function bestOverlap(faces: readonly DetectedFace[], face: DetectedFace): [DetectedFace | undefined, number] {
  const overlaps = faces.map((other) => overlapOf(other.box, face.box));
  const best = overlaps.indexOf(Math.max(...overlaps));
  return [faces[best], overlaps[best] ?? 0];
}
