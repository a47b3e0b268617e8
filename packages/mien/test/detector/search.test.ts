// The frames that are searched: every face lies within one in which it is large enough.
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { isCutOff, searchFrames, MIN_BOX_SHARE } from '../../src/detector/search.js';

it('searches the whole image alone when no smaller faces are requested', () => {
  expect(searchFrames({ width: 640, height: 480 }, undefined)).toEqual([
    { centre: { x: 320, y: 240 }, side: 640, across: { x: 1, y: 0 } },
  ]);
  expect(searchFrames({ width: 640, height: 480 }, 40)).toHaveLength(1);
  expect(searchFrames({ width: 640, height: 480 }, 39).length).toBeGreaterThan(1);
});

it('has each face whole in a frame of which it spans at least a sixteenth', () => {
  const scene = fc.record({
    width: fc.integer({ min: 200, max: 4000 }),
    height: fc.integer({ min: 200, max: 4000 }),
    minSize: fc.integer({ min: 12, max: 100 }),
    x: fc.double({ min: 0, max: 1, noNaN: true }),
    y: fc.double({ min: 0, max: 1, noNaN: true }),
    larger: fc.double({ min: 1, max: 20, noNaN: true }),
  });
  fc.assert(
    fc.property(scene, ({ width, height, minSize, x, y, larger }) => {
      const side = Math.min(minSize * larger, width, height);
      const box = { x: x * (width - side), y: y * (height - side), width: side, height: side };
      const frames = searchFrames({ width, height }, minSize);
      const seen = frames.filter(
        ({ centre, side: reach }) =>
          side >= MIN_BOX_SHARE * reach * 0.999 &&
          Math.abs(box.x + side / 2 - centre.x) <= (reach - side) / 2 + 1e-6 &&
          Math.abs(box.y + side / 2 - centre.y) <= (reach - side) / 2 + 1e-6,
      );
      expect(seen.some((frame) => !isCutOff(box, frame, { width, height }))).toBe(true);
    }),
  );
});

it('tells boxes cut by a tile from boxes cut by the edge of the image', () => {
  const size = { width: 100, height: 100 };
  const tile = { centre: { x: 30, y: 30 }, side: 60, across: { x: 1, y: 0 } };
  const at = (x: number, y: number) => isCutOff({ x, y, width: 20, height: 20 }, tile, size);
  expect(at(-5, 20)).toBe(false);
  expect(at(39, 39)).toBe(false);
  expect(at(41, 20)).toBe(true);
  expect(at(20, 45)).toBe(true);
});
