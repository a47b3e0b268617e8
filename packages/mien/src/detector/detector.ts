// Finds faces in photographs: BlazeFace looks at the whole photograph, then closely at each face that it saw.
import { MienError } from 'mien-engine/base';
import { withDefaults } from '../base/options.js';
import type { DecodedImage } from '../encoders/encoder.js';
import type { DetectedFace } from './face.js';
import type { Frame } from './frame.js';
import { createLooker, SAME_FACE } from './look.js';
import { checkImage } from './resample.js';
import { closeFrame, framed, isCutOff, searchFrames } from './search.js';
import { blendOverlapping, overlapOf } from './suppression.js';

export interface DetectorOptions {
  /** Threads inside one operator (default 1: the operators are too small for more). */
  readonly threads?: number;
  /** Whether threads spin while they wait for each other (default no). */
  readonly spinning?: boolean;
}

interface DetectOptions {
  /** The lowest score of a face, in (0, 1) (default .65). Lower finds more faces, and more that are none. */
  readonly minScore?: number;
  /** The most faces, of which the largest are taken (default: all). */
  readonly maxFaces?: number;
  /**
   * Side in pixels, from 12 on, of the box of the smallest face to look for. By default the photograph is looked at as a
   * whole, where faces below a sixteenth of its longer side begin to be missed; smaller ones are looked for in
   * overlapping tiles, a look each.
   */
  readonly minSize?: number;
  /**
   * Faces of the frame before, in a sequence of frames: they are looked for where they were, a look each, and the whole
   * photograph only when one of them is not there any more (or none is given). Faces that are new are not seen.
   */
  readonly near?: readonly DetectedFace[];
}

export interface Detector {
  /**
   * The faces in a photograph, largest first; an empty list where there is none.
   * @throws MienError `data` when the image's bytes are not those of its size; `config` for an unknown option or one
   *   out of range; `format` when the model turns out not to be BlazeFace.
   */
  detect(image: DecodedImage, options?: DetectOptions): Promise<DetectedFace[]>;
  dispose(): Promise<void>;
}

/** The lowest score of a first look, which sees faces too small or too large; a closer look decides. */
const FIRST_SCORE = 0.4;
/** Overlap with the face it is a look at from which on a closer look's face is that face. */
const RECOGNISED = 0.2;
/** Overlap from which on yet another look would show the same. */
const SETTLED = 0.7;
const MAX_CLOSE_LOOKS = 3;
const SMALLEST_SIZE = 12;

/**
 * A detector from the bytes of `models/blazeface/face_detection_back_256x256.onnx`.
 * @throws MienError `format` when they are another model; `config` for an unknown option.
 * @example
 * const detector = await createDetector(model);
 * const [face] = await detector.detect(photograph, { maxFaces: 1 });
 * const cropped = face && alignFace(photograph, face);
 */
export async function createDetector(model: Uint8Array, options: DetectorOptions = {}): Promise<Detector> {
  const settings = withDefaults<Required<DetectorOptions>>(
    options,
    { threads: 1, spinning: false },
    'the face detector',
  );
  const { look, dispose } = await createLooker(model, settings);

  /** Looks closely, again while the frame still moves: a first look's box and key points are rough. */
  const lookClosely = async (image: DecodedImage, first: DetectedFace): Promise<DetectedFace | undefined> => {
    let face = first;
    for (let i = 0; i < MAX_CLOSE_LOOKS; i++) {
      const [closer, overlap] = mostAlike(await look(image, closeFrame(face), FIRST_SCORE), face);
      if (closer === undefined || overlap < RECOGNISED) return undefined;
      face = closer;
      if (overlap >= SETTLED) break;
    }
    // Of both looks: what only one of them takes for a face seldom is one.
    return { ...face, score: (first.score + face.score) / 2 };
  };

  /** The faces where they have moved to; undefined when one is lost, two are one now, or there are none. */
  const follow = async (
    image: DecodedImage,
    near: readonly DetectedFace[],
    minScore: number,
  ): Promise<DetectedFace[] | undefined> => {
    const faces: DetectedFace[] = [];
    for (const face of near) {
      const closer = await lookClosely(image, face);
      const isOther = closer && faces.every(({ box }) => overlapOf(box, closer.box) < SAME_FACE);
      if (!isOther || closer.score < minScore) return undefined;
      faces.push(closer);
    }
    return faces.length > 0 ? largestFirst(faces) : undefined;
  };

  const detect: Detector['detect'] = async (image, given = {}) => {
    checkImage(image);
    const { minScore, maxFaces, minSize, near } = checkOptions(given);
    const followed = await follow(image, near.slice(0, maxFaces), minScore);
    if (followed) return followed;
    const facesIn = async (frames: readonly Frame[]): Promise<DetectedFace[]> => {
      const seen: DetectedFace[] = [];
      for (const frame of frames)
        for (const face of await look(image, frame, FIRST_SCORE))
          if (!isCutOff(face.box, frame, image)) seen.push(face);
      const faces: DetectedFace[] = [];
      for (const face of largestFirst(blendOverlapping(seen, SAME_FACE))) {
        if (faces.length >= maxFaces) break;
        if (faces.some((other) => overlapOf(other.box, face.box) >= SAME_FACE)) continue;
        const closer = await lookClosely(image, face);
        const isNew = closer && faces.every((other) => overlapOf(other.box, closer.box) < SAME_FACE);
        if (isNew && closer.score >= minScore) faces.push(closer);
      }
      return largestFirst(faces);
    };
    const faces = await facesIn(searchFrames(image, minSize));
    return faces.length > 0 ? faces : facesIn([framed(image)]);
  };
  return { detect, dispose };
}

const areaOf = ({ box }: DetectedFace): number => box.width * box.height;
const largestFirst = (faces: readonly DetectedFace[]): DetectedFace[] =>
  [...faces].sort((a, b) => areaOf(b) - areaOf(a));

function mostAlike(faces: readonly DetectedFace[], face: DetectedFace): [DetectedFace | undefined, number] {
  const overlaps = faces.map((other) => overlapOf(other.box, face.box));
  const best = overlaps.indexOf(Math.max(...overlaps));
  return [faces[best], overlaps[best] ?? 0];
}

function checkOptions(given: DetectOptions) {
  const options = withDefaults<{
    minScore: number;
    maxFaces: number;
    minSize: number | undefined;
    near: readonly DetectedFace[];
  }>(
    given as { minSize: number | undefined },
    { minScore: 0.65, maxFaces: Infinity, minSize: undefined, near: [] },
    'face detection',
  );
  const { minScore, maxFaces, minSize = SMALLEST_SIZE } = options;
  const refuse = (field: keyof DetectOptions, expected: string): never => {
    throw new MienError('config', `must be ${expected}, got ${String(options[field])}`, { field });
  };
  if (!(minScore > 0 && minScore < 1)) refuse('minScore', 'between 0 and 1');
  if (!(maxFaces === Infinity || (Number.isInteger(maxFaces) && maxFaces > 0)))
    refuse('maxFaces', 'a whole number of faces, at least 1');
  if (!(minSize >= SMALLEST_SIZE)) refuse('minSize', `at least ${SMALLEST_SIZE} pixels`);
  return options;
}
