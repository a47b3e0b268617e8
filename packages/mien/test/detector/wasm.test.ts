// The browsers' runtime detects the same face at the same position, and the same pixels are cut out.
import * as web from 'onnxruntime-web';
import { expect, it } from 'vitest';
import { alignFace } from '../../src/detector/align.js';
import { createDetector } from '../../src/detector/detector.js';
import { keyPointNames } from '../../src/detector/face.js';
import { setRuntime } from 'mien-engine';
import { astronaut, readModel } from './photographs.js';

it('agrees with the Node runtime', async () => {
  const [model, photograph] = [await readModel(), await astronaut()];
  const run = async () => {
    const detector = await createDetector(model);
    const [face] = await detector.detect(photograph);
    await detector.dispose();
    return { face: face!, pixels: alignFace(photograph, face!).data };
  };
  const inNode = await run();
  setRuntime(web);
  const inWasm = await run();
  expect(inWasm.face.score).toBeCloseTo(inNode.face.score, 4);
  for (const name of keyPointNames)
    for (const axis of ['x', 'y'] as const)
      expect(inWasm.face.keyPoints[name][axis]).toBeCloseTo(inNode.face.keyPoints[name][axis], 2);
  expect(Math.max(...inWasm.pixels.map((value, i) => Math.abs(value - inNode.pixels[i]!)))).toBeLessThan(2);
});
