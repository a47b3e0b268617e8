// The heat map of a face, the same on the page and in files: evidence for the label in its colour, evidence against it
// in dark stripes, which need no colour vision; and its sums by part of the face.
import type { FaceExplanation, Point } from './types.js';

/** 8-bit pixels, RGB or RGBA. */
interface Picture<Data = Uint8Array | Uint8ClampedArray> {
  readonly width: number;
  readonly height: number;
  readonly data: Data;
}

type Rgb = readonly [red: number, green: number, blue: number];

/** Opacity of the strongest cell. */
const MAX_OPACITY = 0.9;
/** The face is shown in light grey, so that all colour is that of the map. */
const LIGHTEST = 250;
const CONTRAST = 0.72;
const STRIPE_COLOUR: Rgb = [24, 22, 20];
/** As shares of the picture's side. */
const STRIPES = { period: 0.03, width: 0.012 };

/**
 * Overlays the cells of an explanation on the aligned face. Values are interpolated between the centres of cells:
 * detail finer than the grid is not computed.
 * @param face RGB or RGBA pixels of the area between `corners`
 * @param colour of evidence for the label, 0 to 255 each
 * @returns RGBA, `[height, width, 4]`.
 */
export function heatMap(
  { rows, columns, cells }: Pick<FaceExplanation, 'rows' | 'columns' | 'cells'>,
  { width, height, data: pixels }: Picture,
  colour: Rgb,
): Picture<Uint8ClampedArray<ArrayBuffer>> {
  const channels = pixels.length / (width * height);
  const largest = cells.reduce((max, value) => Math.max(max, Math.abs(value)), 0) || 1;
  const data = new Uint8ClampedArray(4 * width * height);
  const period = STRIPES.period * width;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = channels * (y * width + x);
      const grey = 0.299 * pixels[at]! + 0.587 * pixels[at + 1]! + 0.114 * pixels[at + 2]!;
      const background = LIGHTEST - CONTRAST * (255 - grey);
      const heat = interpolated(cells, [rows, columns], (y + 0.5) / height, (x + 0.5) / width) / largest;
      const isStripe = (x + y) % period < Math.SQRT2 * STRIPES.width * width;
      const opacity = heat > 0 || isStripe ? MAX_OPACITY * Math.abs(heat) : 0;
      const ink = heat > 0 ? colour : STRIPE_COLOUR;
      const to = 4 * (y * width + x);
      for (let c = 0; c < 3; c++) data[to + c] = background + opacity * (ink[c]! - background);
      data[to + 3] = 255;
    }
  return { width, height, data };
}

/** Bilinear between the centres of cells, constant beyond them; positions from 0 to 1. */
function interpolated(
  cells: readonly number[],
  [rows, columns]: readonly [number, number],
  down: number,
  across: number,
): number {
  const [row, column] = [within(down * rows - 0.5, rows), within(across * columns - 0.5, columns)];
  const [top, left] = [Math.floor(row), Math.floor(column)];
  const [below, right] = [Math.min(top + 1, rows - 1), Math.min(left + 1, columns - 1)];
  const inRow = (i: number): number =>
    cells[i * columns + left]! + (column - left) * (cells[i * columns + right]! - cells[i * columns + left]!);
  return inRow(top) + (row - top) * (inRow(below) - inRow(top));
}

const within = (position: number, count: number): number => Math.min(Math.max(position, 0), count - 1);

/** Sums over the cells nearest to eyes, nose and mouth, and over all others. */
export type FaceParts = Readonly<Record<'eyes' | 'nose' | 'mouth' | 'elsewhere', number>>;

/** By the detector's key points. */
const PARTS = { rightEye: 'eyes', leftEye: 'eyes', noseTip: 'nose', mouth: 'mouth' } as const;
/** Radius of a part in sides of the grid: a little less than half the distance between the eyes. */
const RADIUS = 0.2;

/** Sums an explanation by part of the face; undefined without key points, as for a cropped face. */
export function faceParts({ rows, columns, cells, corners, place }: FaceExplanation): FaceParts | undefined {
  const points = Object.entries(PARTS).flatMap(([name, part]) => {
    const at = place?.keyPoints[name];
    return at ? [{ part, at }] : [];
  });
  if (points.length === 0) return undefined;
  const [corner, right, , below] = corners;
  const radius = RADIUS * distance(corner, right);
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
    sums[distance(nearest.at, centre) <= radius ? nearest.part : 'elsewhere'] += value;
  });
  return sums;
}

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);
