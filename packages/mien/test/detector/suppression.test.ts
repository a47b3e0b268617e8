// Weighted non-maximum suppression.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyPointNames, type Box, type DetectedFace, type KeyPoints } from '../../src/detector/face.js';
import { blendOverlapping, overlapOf } from '../../src/detector/suppression.js';

const face = (x: number, y: number, side: number, score: number): DetectedFace => ({
  box: { x, y, width: side, height: side },
  keyPoints: Object.fromEntries(keyPointNames.map((name) => [name, { x, y }])) as KeyPoints,
  score,
});

describe('overlapOf', () => {
  const box = (x: number, y: number, width: number, height: number): Box => ({ x, y, width, height });
  it('is intersection over union', () => {
    expect(overlapOf(box(0, 0, 2, 2), box(0, 0, 2, 2))).toBe(1);
    expect(overlapOf(box(0, 0, 2, 2), box(1, 0, 2, 2))).toBeCloseTo(1 / 3);
    expect(overlapOf(box(0, 0, 4, 4), box(1, 1, 2, 2))).toBeCloseTo(1 / 4);
  });
  it('is 0 for boxes that touch, are disjoint or have no area', () => {
    expect(overlapOf(box(0, 0, 1, 1), box(1, 0, 1, 1))).toBe(0);
    expect(overlapOf(box(0, 0, 1, 1), box(9, 9, 1, 1))).toBe(0);
    expect(overlapOf(box(0, 0, 0, 0), box(0, 0, 0, 0))).toBe(0);
  });
});

describe('blendOverlapping', () => {
  it('weights boxes and key points by score and keeps the best score', () => {
    const [only, ...rest] = blendOverlapping([face(0, 0, 10, 0.6), face(1, 0, 10, 0.9)], 0.3);
    expect(rest).toEqual([]);
    expect(only!.score).toBe(0.9);
    expect(only!.box.x).toBeCloseTo(0.6);
    expect(only!.keyPoints.mouth.x).toBeCloseTo(0.6);
    expect(only!.box.width).toBeCloseTo(10);
  });

  it('keeps faces that do not overlap, best first', () => {
    const faces = [face(0, 0, 10, 0.5), face(50, 0, 10, 0.8), face(0, 50, 10, 0.7)];
    expect(blendOverlapping(faces, 0.3).map(({ score }) => score)).toEqual([0.8, 0.7, 0.5]);
  });

  it('loses no face and does not depend on the order of input', () => {
    const arbitrary = fc.array(
      fc
        .tuple(
          fc.integer({ min: 0, max: 60 }),
          fc.integer({ min: 0, max: 60 }),
          fc.integer({ min: 5, max: 30 }),
        )
        .map(([x, y, side]) => ({ x, y, side })),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(arbitrary, (places) => {
        const faces = places.map(({ x, y, side }, i) => face(x, y, side, 0.5 + i / 100));
        const blended = blendOverlapping(faces, 0.3);
        expect(blendOverlapping([...faces].reverse(), 0.3)).toEqual(blended);
        const scores = new Set(faces.map(({ score }) => score));
        for (const { score } of blended) expect(scores.has(score)).toBe(true);
        // Every face is a result's best one, or overlaps it.
        for (const one of faces)
          expect(
            blended.some(({ score }) => {
              const best = faces.find((other) => other.score === score)!;
              return best === one || overlapOf(best.box, one.box) >= 0.3;
            }),
          ).toBe(true);
      }),
    );
  });
});
