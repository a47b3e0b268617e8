// BlazeFace's outputs as faces: each of its 896 anchors gives a score, a box and six key points.
// Source: Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs".
import { MienError, type Tensor } from 'mien-engine/base';
import { keyPointNames, type DetectedFace, type KeyPoints, type Point } from './face.js';

/** Side in pixels of the image that the model reads (the "back" model; the "front" model reads 128). */
export const INPUT_SIZE = 256;

/** Maps of anchors: cells a side, and anchors a cell. All anchors of a cell have its centre and no size of their own. */
const MAPS = [
  { cells: 16, anchors: 2 },
  { cells: 8, anchors: 6 },
] as const;
/** Values of an anchor: centre, width and height of the box, and six points. */
const VALUES = 4 + 2 * keyPointNames.length;

/** Centre of an anchor of a map, in [0, 1] of the input. */
function anchorCentre(map: (typeof MAPS)[number], anchor: number): Point {
  const cell = Math.floor(anchor / map.anchors);
  return { x: ((cell % map.cells) + 0.5) / map.cells, y: (Math.floor(cell / map.cells) + 0.5) / map.cells };
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** Scores before the sigmoid are cut here, so that none is exactly 0 or 1. */
const LARGEST_LOGIT = 30;

/**
 * Faces of at least this score, in [0, 1] of the input, from the model's outputs: scores before the sigmoid
 * `[1, 512, 1]` and `[1, 384, 1]`, values `[1, 512, 16]` and `[1, 384, 16]` in input pixels relative to the centre of
 * the anchor.
 * @throws MienError `format` when these are not the outputs.
 */
export function decodeFaces(
  outputs: readonly Tensor[],
  minScore: number,
  inputSize: number = INPUT_SIZE,
): DetectedFace[] {
  return MAPS.flatMap((map) => {
    const count = map.cells * map.cells * map.anchors;
    const find = (width: number): Float32Array => {
      const shape = [1, count, width].join();
      const found = outputs.find((output) => output.shape.join() === shape);
      if (found?.dtype !== 'float32') throw foreignModel(`has no output [1, ${count}, ${width}]`);
      return found.data as Float32Array;
    };
    const [scores, values] = [find(1), find(VALUES)];
    const faces: DetectedFace[] = [];
    for (let anchor = 0; anchor < count; anchor++) {
      const score = sigmoid(Math.min(Math.max(scores[anchor]!, -LARGEST_LOGIT), LARGEST_LOGIT));
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

export const foreignModel = (reason: string, cause?: unknown): MienError =>
  new MienError('format', `the model is not BlazeFace for ${INPUT_SIZE} pixels: it ${reason}`, {
    hint: 'Give the bytes of models/blazeface/face_detection_back_256x256.onnx.',
    cause,
  });
