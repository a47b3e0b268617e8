// Decoding BlazeFace's outputs: anchors, boxes and key points computed by hand.
import { describe, expect, it } from 'vitest';
import { float32 } from 'mien-engine/base';
import { decodeDetections } from '../../src/detector/blazeface.js';
import { keyPointNames } from '../../src/detector/face.js';

/** Outputs with a score near 0 at all anchors but those given: anchor → logit and values in input pixels. */
function outputs(
  coarse: Readonly<Record<number, [logit: number, values: number[]]>>,
  fine: Readonly<Record<number, [logit: number, values: number[]]>> = {},
) {
  const map = (count: number, set: typeof coarse) => {
    const scores = new Float32Array(count).fill(-50);
    const values = new Float32Array(count * 16);
    for (const [anchor, [logit, row]] of Object.entries(set)) {
      scores[Number(anchor)] = logit;
      values.set(row, Number(anchor) * 16);
    }
    return [float32([1, count, 1], scores), float32([1, count, 16], values)] as const;
  };
  const [a, b] = [map(512, fine), map(384, coarse)];
  return [a[0], b[0], a[1], b[1]];
}
const row = (...first: number[]): number[] => [...first, ...new Array<number>(16 - first.length).fill(0)];

describe('decodeFaces', () => {
  it('puts two anchors at the centre of each of 16×16 cells, row by row', () => {
    // Anchors 2 · (3 · 16 + 5) and the next share cell (5, 3): centre 5.5/16, 3.5/16.
    for (const anchor of [106, 107]) {
      const [face] = decodeDetections(outputs({}, { [anchor]: [0, row(0, 0, 64, 32)] }), 0.5);
      expect(face).toMatchObject({
        score: 0.5,
        box: { x: 5.5 / 16 - 1 / 8, y: 3.5 / 16 - 1 / 16, width: 1 / 4, height: 1 / 8 },
      });
    }
  });

  it('puts six anchors at the centre of each of 8×8 cells', () => {
    // Anchor 6 · (8 · 7 + 2) + 5 is the last of cell (2, 7).
    const [face] = decodeDetections(outputs({ 353: [2, row(25.6, -12.8, 128, 128)] }), 0.5);
    expect(face!.score).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
    expect(face!.box.x).toBeCloseTo(2.5 / 8 + 0.1 - 0.25, 6);
    expect(face!.box.y).toBeCloseTo(7.5 / 8 - 0.05 - 0.25, 6);
  });

  it('reads key points in the order of the model', () => {
    const values = row(0, 0, 1, 1, ...keyPointNames.flatMap((_, i) => [2.56 * i, -2.56 * i]));
    const [face] = decodeDetections(outputs({ 0: [9, values] }), 0.5);
    for (const [i, name] of keyPointNames.entries()) {
      expect(face!.keyPoints[name].x).toBeCloseTo(1 / 16 + i / 100, 6);
      expect(face!.keyPoints[name].y).toBeCloseTo(1 / 16 - i / 100, 6);
    }
    expect(keyPointNames[0]).toBe('rightEye');
  });

  it('drops lower scores, and keeps scores inside (0, 1)', () => {
    const raw = outputs({ 0: [-0.1, row()], 1: [0.1, row()], 2: [1000, row()] });
    const scores = decodeDetections(raw, 0.5).map(({ score }) => score);
    expect(scores).toHaveLength(2);
    expect(Math.max(...scores)).toBeLessThan(1);
    expect(decodeDetections(outputs({ 0: [NaN, row()] }), 0)).toHaveLength(895);
  });

  it('rejects missing outputs', () => {
    const [scores] = outputs({});
    expect(() => decodeDetections([scores!], 0.5)).toThrow(expect.objectContaining({ code: 'format' }));
  });
});
