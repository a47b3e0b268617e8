// Many anchors detect the same face: overlapping detections are merged into their weighted mean.
import { keyPointNames, type Box, type DetectedFace, type KeyPoints } from './face.js';

/** Boxes that overlap by this much are the same face. MediaPipe's value for this model. */
export const SAME_FACE = 0.3;

/** Intersection over union; 0 for boxes without area. */
export function overlapOf(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (!(width > 0 && height > 0)) return 0;
  const both = width * height;
  return both / (a.width * a.height + b.width * b.height - both);
}

/** The mean of faces, each weighted by its score. */
function blend(faces: readonly DetectedFace[], score: number): DetectedFace {
  const total = faces.reduce((sum, face) => sum + face.score, 0);
  const mean = (value: (face: DetectedFace) => number): number =>
    faces.reduce((sum, face) => sum + face.score * value(face), 0) / total;
  const keyPoints = keyPointNames.map((name) => [
    name,
    { x: mean((face) => face.keyPoints[name].x), y: mean((face) => face.keyPoints[name].y) },
  ]);
  return {
    box: {
      x: mean(({ box }) => box.x),
      y: mean(({ box }) => box.y),
      width: mean(({ box }) => box.width),
      height: mean(({ box }) => box.height),
    },
    keyPoints: Object.fromEntries(keyPoints) as KeyPoints,
    score,
  };
}

/**
 * Weighted non-maximum suppression: repeatedly merges the remaining face of the highest score with all that overlap it by
 * at least `threshold`, and gives it the highest score. Highest score first.
 * Source: the BlazeFace paper, whose post-processing blends instead of suppressing.
 */
export function blendOverlapping(faces: readonly DetectedFace[], threshold: number): DetectedFace[] {
  let rest = [...faces].sort((a, b) => b.score - a.score);
  const result: DetectedFace[] = [];
  for (let [best] = rest; best !== undefined; [best] = rest) {
    const { box, score } = best;
    const isSame = (face: DetectedFace, i: number): boolean =>
      i === 0 || overlapOf(face.box, box) >= threshold;
    result.push(blend(rest.filter(isSame), score));
    rest = rest.filter((face, i) => !isSame(face, i));
  }
  return result;
}
