// Resampling: known pixels, no aliasing, borders, and positions that survive the round trip.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutOut, fromFrame, uprightFrame, type CropFrame } from '../../src/detector/frame.js';
import { resampleRegion } from '../../src/detector/resample.js';
import type { DecodedImage } from '../../src/encoders/encoder.js';

function image(width: number, height: number, value: (x: number, y: number) => number): DecodedImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3);
    data[i] = value(pixel % width, Math.floor(pixel / width)) + (i % 3);
  }
  return { width, height, data };
}
const all = ({ width, height }: DecodedImage) => ({ x: 0, y: 0, width, height });
const angled = (centre: { x: number; y: number }, side: number, degrees: number): CropFrame => {
  const angle = (degrees * Math.PI) / 180;
  return { centre, side, across: { x: Math.cos(angle), y: Math.sin(angle) } };
};

describe('resample', () => {
  it('leaves an image unchanged at its own size', () => {
    const picture = image(7, 5, (x, y) => 10 * x + y);
    expect([...resampleRegion(picture, all(picture), 7, 5).data]).toEqual([...picture.data]);
  });

  it('shrinks with triangular weights', () => {
    // Output pixel 1 of three: centre 4.5 − 0.5 = 4, pixels 1 … 7 with weights 0, 1, 2, 3, 2, 1, 0 of 9.
    const values = [0, 90, 0, 0, 90, 180, 0, 9, 0];
    const { data } = resampleRegion(
      image(9, 1, (x) => values[x]!),
      { x: 0, y: 0, width: 9, height: 1 },
      3,
      1,
    );
    expect(data[3]).toBeCloseTo((0 * 1 + 0 * 2 + 90 * 3 + 180 * 2 + 0 * 1) / 9, 4);
  });

  it('averages patterns finer than an output pixel', () => {
    const checked = image(600, 500, (x, y) => 200 * ((x + y) % 2));
    for (const size of [30, 80])
      for (const frame of [uprightFrame({ x: 300, y: 250 }, 320), angled({ x: 300, y: 250 }, 320, 25)]) {
        const values = cutOut(checked, frame, size).data.filter((_, i) => i % 3 === 0);
        expect(Math.max(...values.map((value) => Math.abs(value - 100)))).toBeLessThan(8);
      }
  });

  it('repeats the border, or fills', () => {
    const picture = image(4, 4, (x) => 60 * x);
    const region = { x: -4, y: 0, width: 12, height: 4 };
    const values = (fill?: number) =>
      [...resampleRegion(picture, region, 12, 4, fill).data].filter((_, i) => i % 3 === 0 && i < 36);
    expect(values()).toEqual([0, 0, 0, 0, 0, 60, 120, 180, 180, 180, 180, 180]);
    expect(values(7)).toEqual([7, 7, 7, 7, 0, 60, 120, 180, 7, 7, 7, 7]);
  });

  it('preserves linear gradients, also when pixels are averaged in blocks first', () => {
    const plane = image(640, 480, (x, y) => 0.15 * x + 0.2 * y);
    const { data } = resampleRegion(plane, { x: 41, y: 23, width: 560, height: 420 }, 40, 30);
    let worst = 0;
    for (let y = 1; y < 29; y++)
      for (let x = 1; x < 39; x++) {
        const expected = 0.15 * (41 + 14 * (x + 0.5) - 0.5) + 0.2 * (23 + 14 * (y + 0.5) - 0.5);
        // The gradient's values were truncated to integers: by half a grey level on average.
        worst = Math.max(worst, Math.abs(data[3 * (y * 40 + x)]! + 0.5 - expected));
      }
    expect(worst).toBeLessThan(0.3);
  });
});

describe('cutOut', () => {
  const frames = fc.record({
    x: fc.double({ min: 60, max: 90, noNaN: true }),
    y: fc.double({ min: 60, max: 90, noNaN: true }),
    side: fc.double({ min: 40, max: 400, noNaN: true }),
    degrees: fc.oneof(fc.constant(0), fc.double({ min: -180, max: 180, noNaN: true })),
    size: fc.integer({ min: 30, max: 120 }),
  });

  it('puts a spot where fromFrame maps back to its position in the image', () => {
    fc.assert(
      fc.property(frames, ({ x, y, side, degrees, size }) => {
        const spot = { x: 75.5, y: 77.5 };
        const dark = image(150, 150, (column, row) =>
          Math.max(0, 200 - 20 * Math.hypot(column + 0.5 - spot.x, row + 0.5 - spot.y)),
        );
        const frame = degrees === 0 ? uprightFrame({ x, y }, side) : angled({ x, y }, side, degrees);
        const { data } = cutOut(dark, frame, size, 0);
        // The spot must be inside as a whole, since its centroid is compared.
        const isInside = Math.max(Math.abs(spot.x - x), Math.abs(spot.y - y)) + 12 < side / 2 / Math.SQRT2;
        fc.pre(isInside);
        let [total, u, v] = [0, 0, 0];
        for (let i = 0; i < size * size; i++) {
          const value = data[3 * i]!;
          total += value;
          u += value * ((i % size) + 0.5);
          v += value * (Math.floor(i / size) + 0.5);
        }
        const place = fromFrame(frame, { x: u / total / size, y: v / total / size });
        expect(Math.hypot(place.x - spot.x, place.y - spot.y)).toBeLessThan(0.3 + (0.1 * side) / size);
      }),
      { numRuns: 25 },
    );
  });

  it('rotates the image by a quarter turn', () => {
    const picture = image(6, 6, (x, y) => 40 * x + 5 * y);
    const { data } = cutOut(picture, { centre: { x: 3, y: 3 }, side: 6, across: { x: 0, y: 1 } }, 6);
    for (let v = 0; v < 6; v++)
      for (let u = 0; u < 6; u++) expect(data[3 * (v * 6 + u)]).toBeCloseTo(40 * (5 - v) + 5 * u, 3);
  });

  it('repeats the border or fills beyond the image', () => {
    const picture = image(8, 8, () => 50);
    const frame = angled({ x: 4, y: 4 }, 60, 30);
    expect(Math.min(...cutOut(picture, frame, 30).data)).toBeCloseTo(50, 3);
    const filled = cutOut(picture, frame, 30, 10).data;
    expect(filled[0]).toBeCloseTo(10, 3);
    expect(filled[3 * (15 * 30 + 15)]).toBeCloseTo(50, 3);
  });
});
