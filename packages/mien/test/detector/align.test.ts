// Cutting out faces: where eyes and mouth lie afterwards, whatever the face's position, size and tilt.
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { alignFace, faceFrame } from '../../src/detector/align.js';
import type { DetectedFace, Point } from '../../src/detector/face.js';
import type { DecodedImage } from '../../src/encoders/encoder.js';
import { astronaut, EYES, part, pasted, plain } from './photographs.js';

/** A frontal face by its eyes; the mouth is `down` times as far from them as in the template. */
function faceWith(rightEye: Point, leftEye: Point, down = 1): DetectedFace {
  const [dx, dy] = [leftEye.x - rightEye.x, leftEye.y - rightEye.y];
  const ratio = (down * 0.442) / 0.456;
  const middle = { x: (rightEye.x + leftEye.x) / 2, y: (rightEye.y + leftEye.y) / 2 };
  const mouth = { x: middle.x - ratio * dy, y: middle.y + ratio * dx };
  const keyPoints = { rightEye, leftEye, mouth, noseTip: middle, rightEar: rightEye, leftEar: leftEye };
  return { box: { x: 0, y: 0, width: 1, height: 1 }, keyPoints, score: 0.9 };
}

/** A point of the image in the frame, in its sides. */
function inFrame(face: DetectedFace, { x, y }: Point): Point {
  const { centre, side, across } = faceFrame(face);
  const [dx, dy] = [x - centre.x, y - centre.y];
  return { x: 0.5 + (dx * across.x + dy * across.y) / side, y: 0.5 + (dy * across.x - dx * across.y) / side };
}

describe('faceFrame', () => {
  const eyes = fc.record({
    x: fc.double({ min: -500, max: 4000, noNaN: true }),
    y: fc.double({ min: -500, max: 4000, noNaN: true }),
    apart: fc.double({ min: 2, max: 2000, noNaN: true }),
    angle: fc.double({ min: -3.1, max: 3.1, noNaN: true }),
  });
  it('levels the eyes and puts them where RAF-DB has them', () => {
    fc.assert(
      fc.property(eyes, ({ x, y, apart, angle }) => {
        const left = { x: x + apart * Math.cos(angle), y: y + apart * Math.sin(angle) };
        const face = faceWith({ x, y }, left);
        const [a, b] = [inFrame(face, { x, y }), inFrame(face, left)];
        expect(a.x).toBeCloseTo(0.26, 3);
        expect(b.x).toBeCloseTo(0.716, 3);
        expect(a.y).toBeCloseTo(0.329, 3);
        expect(b.y).toBeCloseTo(0.329, 3);
        expect(inFrame(face, face.keyPoints.mouth).y).toBeCloseTo(0.771, 3);
      }),
    );
  });

  it('does not cut a face more tightly when it is turned aside or looks down', () => {
    const upright = faceFrame(faceWith({ x: 0, y: 0 }, { x: 40, y: 0 }));
    const aside = faceFrame(faceWith({ x: 0, y: 0 }, { x: 20, y: 0 }, 2));
    const down = faceFrame(faceWith({ x: 0, y: 0 }, { x: 40, y: 0 }, 0.6));
    expect(aside.side).toBeCloseTo(upright.side, 6);
    expect(down.side).toBeCloseTo(upright.side, 6);
  });

  it('rejects a face whose eyes coincide', () => {
    const one = { x: 5, y: 5 };
    expect(() => faceFrame(faceWith(one, one))).toThrow(expect.objectContaining({ code: 'data' }));
  });
});

describe('alignFace', () => {
  let photograph: DecodedImage;
  beforeAll(async () => {
    photograph = await astronaut();
  });
  const difference = (a: DecodedImage, b: DecodedImage): number =>
    Math.max(...a.data.map((value, i) => Math.abs(value - b.data[i]!)));

  it('gives the same pixels wherever the photograph is placed in a larger one', () => {
    const face = faceWith(EYES.right, EYES.left);
    const expected = alignFace(photograph, face);
    expect([expected.width, expected.height]).toEqual([100, 100]);
    for (const [dx, dy] of [
      [13, 0],
      [100, 57],
    ] as const) {
      const moved = pasted(800, 700, [[photograph, dx, dy]]);
      const by = ({ x, y }: Point): Point => ({ x: x + dx, y: y + dy });
      expect(difference(alignFace(moved, faceWith(by(EYES.right), by(EYES.left))), expected)).toBeLessThan(2);
    }
  });

  it('copies the pixels when nothing needs rotating or scaling', async () => {
    const face = faceWith({ x: 226, y: 82.9 }, { x: 271.6, y: 82.9 });
    const expected = await part(photograph, 200, 50, 100, 100);
    expect(difference(alignFace(photograph, face), expected)).toBeLessThan(2);
  });

  it('shrinks without aliasing', () => {
    const stripes = plain(900, 900, 0);
    for (let i = 0; i < stripes.data.length; i++) stripes.data[i] = Math.floor(i / 3) % 2 === 0 ? 255 : 0;
    for (const angle of [0, 0.3]) {
      const left = { x: 330 + 240 * Math.cos(angle), y: 360 + 240 * Math.sin(angle) };
      const { data } = alignFace(stripes, faceWith({ x: 330, y: 360 }, left));
      expect(Math.max(...data.map((value) => Math.abs(value - 127)))).toBeLessThan(8);
    }
  });

  it('repeats the border around a face at the edge', () => {
    const { data } = alignFace(plain(50, 50, 77), faceWith({ x: -5, y: 3 }, { x: 30, y: -4 }), 32);
    expect(new Set(data)).toEqual(new Set([77]));
  });

  it('rejects invalid sizes', () => {
    const face = faceWith(EYES.right, EYES.left);
    for (const size of [0, 2.5, NaN])
      expect(() => alignFace(photograph, face, size)).toThrow(expect.objectContaining({ code: 'config' }));
  });
});
