// Heat maps as pixels and as sums by part of the face: colour for evidence for the label, stripes for evidence against.
import { expect, test } from 'vitest';
import { faceParts, heatMap } from '../../src/recognizer/heat-map.js';

const SIDE = 96;
const grey = { width: SIDE, height: SIDE, data: new Uint8Array(3 * SIDE * SIDE).fill(128) };
const RED = [255, 0, 0] as const;
/** 4 × 4 cells, zero except for these. */
const grid = (values: Readonly<Record<number, number>>) => ({
  rows: 4,
  columns: 4,
  cells: Array.from({ length: 16 }, (_, i) => values[i] ?? 0),
});

/** Pixels around the centre of a cell. */
function pixelsAt(data: ArrayLike<number>, row: number, column: number): number[][] {
  const pixels: number[][] = [];
  for (let y = row * 24 + 6; y < row * 24 + 18; y++)
    for (let x = column * 24 + 6; x < column * 24 + 18; x++)
      pixels.push([0, 1, 2, 3].map((c) => data[4 * (y * SIDE + x) + c]!));
  return pixels;
}
const isGrey = ([red, green, blue]: number[]): boolean => Math.abs(red! - green!) < 6 && red === blue;
const mostlyRed = ([red, , blue]: number[]): boolean => red! > blue! + 60;

test('shows evidence for the label in its colour, only at its cell', () => {
  const { width, height, data } = heatMap(grid({ 6: 2, 13: 0.1 }), grey, RED);
  expect([width, height, data.length]).toEqual([SIDE, SIDE, 4 * SIDE * SIDE]);
  expect(pixelsAt(data, 1, 2).every(mostlyRed)).toBe(true);
  expect(pixelsAt(data, 3, 1).some(mostlyRed)).toBe(false);
  expect(pixelsAt(data, 0, 0).every(isGrey)).toBe(true);
  expect(data.every((value, i) => i % 4 !== 3 || value === 255)).toBe(true);
});

test('shows evidence against the label as stripes, without colour', () => {
  const { data } = heatMap(grid({ 9: -1 }), grey, RED);
  const pixels = pixelsAt(data, 2, 1);
  const background = pixelsAt(data, 0, 3)[0]![0]!;
  expect(pixels.some(mostlyRed)).toBe(false);
  const striped = pixels.filter(([red]) => red! < background - 30).length;
  expect(striped).toBeGreaterThan(pixels.length / 8);
  expect(pixels.filter(([red]) => red === background).length).toBeGreaterThan(pixels.length / 8);
});

test('shows only the face when all cells are zero', () => {
  const rgba = { width: 2, height: 1, data: Uint8Array.from([0, 0, 0, 255, 255, 255, 255, 255]) };
  const { data } = heatMap(grid({}), rgba, RED);
  expect(data[0]).toBeLessThan(data[4]!);
  expect([...data].every(Number.isFinite)).toBe(true);
});

test('sums cells by part of the face, also of a rotated one', () => {
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
