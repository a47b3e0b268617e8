// Which part of a face each cell of its explanation is at, so that a heat map can be told in words.
import type { FaceExplanation, Point } from './types.js';

/** What the cells nearest to eyes, nose and mouth add, and all others. */
export type FaceParts = Readonly<Record<'eyes' | 'nose' | 'mouth' | 'elsewhere', number>>;

/** By the detector's names. */
const PARTS = { rightEye: 'eyes', leftEye: 'eyes', noseTip: 'nose', mouth: 'mouth' } as const;
/** How far a part reaches, in sides of the grid: a little less than half the way from eye to eye. */
const REACH = 0.2;

/** @returns undefined for a face whose eyes, nose and mouth are not known, as one that was cut out beforehand. */
export function faceParts({ rows, columns, cells, corners, place }: FaceExplanation): FaceParts | undefined {
  const points = Object.entries(PARTS).flatMap(([name, part]) => {
    const at = place?.keyPoints[name];
    return at ? [{ part, at }] : [];
  });
  if (points.length === 0) return undefined;
  const [corner, right, , below] = corners;
  const reach = REACH * distance(corner, right);
  const sums = { eyes: 0, nose: 0, mouth: 0, elsewhere: 0 };
  cells.forEach((value, i) => {
    const across = ((i % columns) + 0.5) / columns;
    const down = (Math.floor(i / columns) + 0.5) / rows;
    const centre = {
      x: corner.x + across * (right.x - corner.x) + down * (below.x - corner.x),
      y: corner.y + across * (right.y - corner.y) + down * (below.y - corner.y),
    };
    const nearest = points.reduce((best, one) =>
      distance(one.at, centre) < distance(best.at, centre) ? one : best,
    );
    sums[distance(nearest.at, centre) <= reach ? nearest.part : 'elsewhere'] += value;
  });
  return sums;
}

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);
