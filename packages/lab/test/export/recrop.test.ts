// Faces cropped anew and without colour: known pixels.
import { expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import { greyed, recropped } from '../../src/export/recrop.js';

const draw = randomStream(3, 'image');
const image = { width: 10, height: 8, data: Uint8Array.from({ length: 240 }, () => draw.integer(256)) };

test('without scale and shift the image is unchanged', () => {
  expect(recropped(image, { scale: 1, shift: 0 }, randomStream(0, 'a'))).toEqual(image);
});

test('a linear gradient is preserved at another scale and place', () => {
  const plane = (a: number, b: number, c: number) => ({
    width: 20,
    height: 20,
    data: Uint8Array.from({ length: 1200 }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % 20, Math.floor(i / 60)];
      return a + b * x + c * y;
    }),
  });
  const { data } = recropped(plane(40, 5, 3), { scale: 1.25, shift: 0.1 }, randomStream(1, 'a'));
  const at = (x: number, y: number): number => data[3 * (y * 20 + x)]!;
  // In the middle, where nothing of the border shows, steps are those of the plane times the scale.
  const across = (at(14, 10) - at(5, 10)) / 9;
  const down = (at(10, 14) - at(10, 5)) / 9;
  expect(across / down).toBeCloseTo(5 / 3, 1);
  expect(across).toBeGreaterThan(5 / 1.26);
  expect(across).toBeLessThan(5 * 1.26);
});

test('grey has one value for all colours', () => {
  const { data } = greyed(image);
  for (let i = 0; i < 240; i += 3) {
    const [r, g, b] = image.data.subarray(i, i + 3) as unknown as [number, number, number];
    expect([...data.subarray(i, i + 3)]).toEqual(
      new Array(3).fill(Math.round(0.299 * r + 0.587 * g + 0.114 * b)),
    );
  }
});
