// One pass of BlazeFace: the pixels under a frame through the model, its outputs as faces in the image.
// Source: Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs".
import { createSession, float32, messageOf, MienError, type Tensor } from 'mien-engine';
import type { DecodedImage } from '../encoders/encoder.js';
import { keyPointNames, type DetectedFace, type KeyPoints, type Point } from './face.js';
import { cutOut, fromFrame, type CropFrame } from './frame.js';
import { blendOverlapping, SAME_FACE } from './suppression.js';

/** `models/blazeface/face_detection_back_256x256.onnx`: its hash identifies it. */
export const DETECTOR_FILE = {
  bytes: 603_432,
  sha256: '427cbbe0fc41448d09e1dc9cfabe2423d997cf2faaeab91fadd09a510b63b8e2',
} as const;

/** Side in pixels of the image that the model reads (the "back" model; the "front" model reads 128). */
const INPUT_SIZE = 256;

/** Anchor maps: cells per side and anchors per cell. All anchors of a cell share its centre and have no size. */
const MAPS = [
  { cells: 16, anchors: 2 },
  { cells: 8, anchors: 6 },
] as const;
/** Values per anchor: centre, width and height of the box, and six key points. */
const VALUES = 4 + 2 * keyPointNames.length;

/** Grey, which the model reads as 0, beyond the image's edge: more faces are found than with black or the border. */
const PADDING = 127.5;

export interface BlazeFace {
  /** Faces of at least this score under a frame, in pixels of the image, best first. */
  detect(image: DecodedImage, frame: CropFrame, minScore: number): Promise<DetectedFace[]>;
  dispose(): Promise<void>;
}

/** @throws MienError `format` when the model is not BlazeFace for 256 pixels; so does `detect`. */
export async function createBlazeFace(
  model: Uint8Array,
  settings: { readonly threads: number; readonly spinning: boolean },
): Promise<BlazeFace> {
  const session = await createSession(model, settings);
  const [inputName, ...others] = session.inputs;
  if (inputName === undefined || others.length > 0 || session.outputs.length !== 4) {
    await session.dispose();
    throw foreignModel('has other inputs or outputs');
  }
  return {
    async detect(image, frame, minScore) {
      const { data } = cutOut(image, frame, INPUT_SIZE, PADDING);
      // A loop, since `map` calls a function for each of 196,608 values: 2 ms of a camera's frame.
      for (let i = 0; i < data.length; i++) data[i] = data[i]! / 127.5 - 1;
      const input = float32([1, INPUT_SIZE, INPUT_SIZE, 3], data);
      const outputs = await session.run({ [inputName]: input }).catch((cause: unknown) => {
        throw foreignModel(`cannot be run (${messageOf(cause)})`, cause);
      });
      const faces = blendOverlapping(decodeDetections(Object.values(outputs), minScore), SAME_FACE);
      return faces.map((face) => inImage(face, frame));
    },
    dispose: () => session.dispose(),
  };
}

/** A face in [0, 1] of a frame as a face in the image; its box stays upright and keeps its centre and size. */
function inImage({ box, keyPoints, score }: DetectedFace, frame: CropFrame): DetectedFace {
  const centre = fromFrame(frame, { x: box.x + box.width / 2, y: box.y + box.height / 2 });
  const [width, height] = [box.width * frame.side, box.height * frame.side];
  const points = keyPointNames.map((name) => [name, fromFrame(frame, keyPoints[name])]);
  return {
    box: { x: centre.x - width / 2, y: centre.y - height / 2, width, height },
    keyPoints: Object.fromEntries(points) as KeyPoints,
    score,
  };
}

/** Centre of an anchor of a map, in [0, 1] of the input. */
function anchorCentre(map: (typeof MAPS)[number], anchor: number): Point {
  const cell = Math.floor(anchor / map.anchors);
  return { x: ((cell % map.cells) + 0.5) / map.cells, y: (Math.floor(cell / map.cells) + 0.5) / map.cells };
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** Logits are clipped here, so that no score is exactly 0 or 1. */
const LARGEST_LOGIT = 30;

/**
 * Faces of at least this score, in [0, 1] of the input, from the model's outputs: logits `[1, 512, 1]` and `[1, 384, 1]`,
 * values `[1, 512, 16]` and `[1, 384, 16]` in input pixels relative to the anchor's centre.
 * @throws MienError `format` when an output is missing.
 */
export function decodeDetections(
  outputs: readonly Tensor[],
  minScore: number,
  inputSize: number = INPUT_SIZE,
): DetectedFace[] {
  return MAPS.flatMap((map) => {
    const count = map.cells * map.cells * map.anchors;
    const outputOf = (width: number): Float32Array => {
      const shape = [1, count, width].join();
      const output = outputs.find((one) => one.shape.join() === shape);
      if (output?.dtype !== 'float32') throw foreignModel(`has no output [1, ${count}, ${width}]`);
      return output.data as Float32Array;
    };
    const [logits, values] = [outputOf(1), outputOf(VALUES)];
    const faces: DetectedFace[] = [];
    for (let anchor = 0; anchor < count; anchor++) {
      const score = sigmoid(Math.min(Math.max(logits[anchor]!, -LARGEST_LOGIT), LARGEST_LOGIT));
      if (!(score >= minScore)) continue;
      const centre = anchorCentre(map, anchor);
      const at = (index: number): number => values[anchor * VALUES + index]! / inputSize;
      const point = (index: number): Point => ({ x: centre.x + at(index), y: centre.y + at(index + 1) });
      const middle = point(0);
      const [width, height] = [at(2), at(3)];
      const keyPoints = Object.fromEntries(keyPointNames.map((name, i) => [name, point(4 + 2 * i)]));
      faces.push({
        box: { x: middle.x - width / 2, y: middle.y - height / 2, width, height },
        keyPoints: keyPoints as KeyPoints,
        score,
      });
    }
    return faces;
  });
}

const foreignModel = (reason: string, cause?: unknown): MienError =>
  new MienError('format', `the model is not BlazeFace for ${INPUT_SIZE} pixels: it ${reason}`, {
    hint: 'Give the bytes of models/blazeface/face_detection_back_256x256.onnx.',
    cause,
  });
