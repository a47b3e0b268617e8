// The heat map of a face as pixels, the same on the page and in files: what speaks for the label in its colour, what
// speaks against it in dark stripes, which nobody takes for a colour.
import type { FaceExplanation } from './types.js';

/** 8-bit pixels, RGB or RGBA. */
interface Picture<Data = Uint8Array | Uint8ClampedArray> {
  readonly width: number;
  readonly height: number;
  readonly data: Data;
}

type Rgb = readonly [red: number, green: number, blue: number];

/** Of the strongest cell. */
const MOST_OPAQUE = 0.9;
/** The face is shown in light grey: colour is the map's. */
const LIGHTEST = 250;
const GREY_SHARE = 0.72;
const STRIPE: Rgb = [24, 22, 20];
/** Shares of the picture's side: from stripe to stripe, and a stripe. */
const STRIPES = { every: 0.03, wide: 0.012 };

/**
 * Lays the cells of an explanation over the face as it was cut out. Between the centres of cells values are
 * interpolated, so that what looks finer than the grid is drawn and not computed.
 * @param face pixels of what lies between `corners`, RGB or RGBA.
 * @param colour of what speaks for the label, 0 to 255 each.
 * @returns RGBA, `[height, width, 4]`.
 */
export function heatMap(
  { rows, columns, cells }: Pick<FaceExplanation, 'rows' | 'columns' | 'cells'>,
  { width, height, data: pixels }: Picture,
  colour: Rgb,
): Picture<Uint8ClampedArray<ArrayBuffer>> {
  const channels = pixels.length / (width * height);
  const most = cells.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
  const data = new Uint8ClampedArray(4 * width * height);
  const every = STRIPES.every * width;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = channels * (y * width + x);
      const grey = 0.299 * pixels[at]! + 0.587 * pixels[at + 1]! + 0.114 * pixels[at + 2]!;
      const ground = LIGHTEST - GREY_SHARE * (255 - grey);
      const heat = interpolated(cells, [rows, columns], (y + 0.5) / height, (x + 0.5) / width) / most;
      const striped = (x + y) % every < Math.SQRT2 * STRIPES.wide * width;
      const opacity = heat > 0 || striped ? MOST_OPAQUE * Math.abs(heat) : 0;
      const ink = heat > 0 ? colour : STRIPE;
      const to = 4 * (y * width + x);
      for (let c = 0; c < 3; c++) data[to + c] = ground + opacity * (ink[c]! - ground);
      data[to + 3] = 255;
    }
  return { width, height, data };
}

/** Bilinear between the centres of cells, the border's beyond them; places from 0 to 1. */
function interpolated(
  cells: readonly number[],
  [rows, columns]: readonly [number, number],
  down: number,
  across: number,
): number {
  const [row, column] = [within(down * rows - 0.5, rows), within(across * columns - 0.5, columns)];
  const [top, left] = [Math.floor(row), Math.floor(column)];
  const [below, right] = [Math.min(top + 1, rows - 1), Math.min(left + 1, columns - 1)];
  const line = (of: number): number =>
    cells[of * columns + left]! +
    (column - left) * (cells[of * columns + right]! - cells[of * columns + left]!);
  return line(top) + (row - top) * (line(below) - line(top));
}

const within = (place: number, count: number): number => Math.min(Math.max(place, 0), count - 1);
