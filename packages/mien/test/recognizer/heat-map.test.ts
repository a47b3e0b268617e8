// Heat maps as pixels and as parts of the face: colour where something speaks for the label, stripes where against it.
import { expect, test } from 'vitest';
import { faceParts } from '../../src/recognizer/face-parts.js';
import { heatMap } from '../../src/recognizer/heat-map.js';

const SIDE = 96;
const grey = { width: SIDE, height: SIDE, data: new Uint8Array(3 * SIDE * SIDE).fill(128) };
const RED = [255, 0, 0] as const;
/** 4 × 4 cells of nothing but these. */
const grid = (values: Readonly<Record<number, number>>) => ({
  rows: 4,
  columns: 4,
  cells: Array.from({ length: 16 }, (_, i) => values[i] ?? 0),
});

/** Pixels around the centre of a cell. */
function pixelsAt(data: ArrayLike<number>, row: number, column: number): number[][] {
  const found: number[][] = [];
  for (let y = row * 24 + 6; y < row * 24 + 18; y++)
    for (let x = column * 24 + 6; x < column * 24 + 18; x++)
      found.push([0, 1, 2, 3].map((c) => data[4 * (y * SIDE + x) + c]!));
  return found;
}
const isGrey = ([red, green, blue]: number[]): boolean => Math.abs(red! - green!) < 6 && red === blue;
const mostlyRed = ([red, , blue]: number[]): boolean => red! > blue! + 60;

test('what speaks for the label has its colour, in the place of its cell and nowhere else', () => {
  const { width, height, data } = heatMap(grid({ 6: 2, 13: 0.1 }), grey, RED);
  expect([width, height, data.length]).toEqual([SIDE, SIDE, 4 * SIDE * SIDE]);
  expect(pixelsAt(data, 1, 2).every(mostlyRed)).toBe(true);
  expect(pixelsAt(data, 3, 1).some(mostlyRed)).toBe(false);
  expect(pixelsAt(data, 0, 0).every(isGrey)).toBe(true);
  expect(data.every((value, i) => i % 4 !== 3 || value === 255)).toBe(true);
});

test('what speaks against it is striped, so that nobody needs to see colours', () => {
  const { data } = heatMap(grid({ 9: -1 }), grey, RED);
  const seen = pixelsAt(data, 2, 1);
  const ground = pixelsAt(data, 0, 3)[0]![0]!;
  expect(seen.some(mostlyRed)).toBe(false);
  const striped = seen.filter(([red]) => red! < ground - 30).length;
  expect(striped).toBeGreaterThan(seen.length / 8);
  expect(seen.filter(([red]) => red === ground).length).toBeGreaterThan(seen.length / 8);
});

test('a face that adds nothing is shown as it is', () => {
  const rgba = { width: 2, height: 1, data: Uint8Array.from([0, 0, 0, 255, 255, 255, 255, 255]) };
  const { data } = heatMap(grid({}), rgba, RED);
  expect(data[0]).toBeLessThan(data[4]!);
  expect([...data].every(Number.isFinite)).toBe(true);
});

test('cells are told by the part of the face that they are at, of a face that lies aslant too', () => {
  // The grid's axes: down the image, and to the left.
  const corners = [
    { x: 100, y: 0 },
    { x: 100, y: 100 },
    { x: 0, y: 100 },
    { x: 0, y: 0 },
  ] as const;
  const at = (across: number, down: number) => ({ x: 100 - 100 * down, y: 100 * across });
  const face = {
    rows: 10,
    columns: 10,
    cells: new Array<number>(100).fill(0),
    corners,
    from: 0,
    to: 0,
    residual: 0,
    place: {
      box: { x: 0, y: 0, width: 100, height: 100 },
      score: 1,
      keyPoints: {
        rightEye: at(0.3, 0.35),
        leftEye: at(0.7, 0.35),
        noseTip: at(0.5, 0.55),
        mouth: at(0.5, 0.8),
        rightEar: at(0.05, 0.4),
        leftEar: at(0.95, 0.4),
      },
    },
  };
  const cell = (across: number, down: number): number => 10 * Math.floor(10 * down) + Math.floor(10 * across);
  face.cells[cell(0.55, 0.85)] = 4;
  face.cells[cell(0.25, 0.35)] = 2;
  face.cells[cell(0.75, 0.35)] = -1;
  face.cells[cell(0.5, 0.55)] = 0.5;
  face.cells[cell(0.02, 0.98)] = -3;
  expect(faceParts(face)).toEqual({ eyes: 1, nose: 0.5, mouth: 4, elsewhere: -3 });
  expect(faceParts({ ...face, place: null })).toBeUndefined();
});
