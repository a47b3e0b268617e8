// Many anchors find the same face: overlapping detections become one, their weighted mean.
import { keyPointNames, type Box, type DetectedFace, type KeyPoints } from './face.js';

/** Area of the intersection divided by the area of the union; 0 for boxes without area. */
export function overlapOf(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (!(width > 0 && height > 0)) return 0;
  const both = width * height;
  return both / (a.width * a.height + b.width * b.height - both);
}

/** The mean of faces, each weighted by its score, with the score of the first. */
function blend(faces: readonly DetectedFace[]): DetectedFace {
  const total = faces.reduce((sum, { score }) => sum + score, 0);
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
    score: faces[0]!.score,
  };
}

/**
 * Weighted non-maximum suppression: of what remains, the face of the highest score and all that overlap it by at
 * least `threshold` become one, until none remains. Highest score first.
 * Source: the post-processing of the BlazeFace paper, which blends instead of suppressing.
 */
export function blendOverlapping(faces: readonly DetectedFace[], threshold: number): DetectedFace[] {
  let rest = [...faces].sort((a, b) => b.score - a.score);
  const result: DetectedFace[] = [];
  while (rest.length > 0) {
    const best = rest[0]!;
    const same = (face: DetectedFace): boolean => face === best || overlapOf(face.box, best.box) >= threshold;
    result.push(blend(rest.filter(same)));
    rest = rest.filter((face) => !same(face));
  }
  return result;
}
