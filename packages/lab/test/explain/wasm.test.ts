// Explanations in the runtime of browsers against those in node's.
import * as node from 'onnxruntime-node';
import * as web from 'onnxruntime-web';
import { expect, test } from 'vitest';
import { randomStream, readModel, setRuntime } from 'mien-engine';
import { createFaceExplainer, createTextExplainer } from 'mien/parts/explain';
import { decisionOf, LABELS, smallFace, smallText } from '../../../../test/support/small-encoders.js';

const draw = randomStream(7, 'wasm');
const ids = Int32Array.from([1, 9, 22, 13, 2]);
const image = { width: 32, height: 32, data: Uint8Array.from({ length: 3 * 1024 }, () => draw.integer(256)) };

async function attributions(runtime: unknown): Promise<number[]> {
  setRuntime(runtime as Parameters<typeof setRuntime>[0]);
  const [ofText, ofFace] = [smallText(), smallFace()];
  const ask = { label: 'joy', among: LABELS };
  const text = await createTextExplainer(
    ofText.manifest,
    { text: readModel(ofText.bytes, 'text.onnx'), decision: decisionOf(ofText.manifest) },
    { threads: 1 },
  );
  const face = await createFaceExplainer(
    ofFace.manifest,
    { face: readModel(ofFace.bytes, 'face.onnx'), decision: decisionOf(ofFace.manifest) },
    { threads: 1 },
  );
  const baseline = Int32Array.from([1, 3, 3, 3, 2]);
  const words = await text.attribute({ ...ask, ids, baseline });
  const { cells } = await face.attribute({ ...ask, image });
  await text.dispose();
  await face.dispose();
  return [...words.attributions, ...cells];
}

test('words and cells have the same attributions', async () => {
  const [own, other] = [await attributions(node), await attributions(web)];
  expect(own).toHaveLength(ids.length + 64);
  const largest = Math.max(...own.map(Math.abs));
  own.forEach((value, i) => expect(Math.abs(other[i]! - value)).toBeLessThan(1e-4 * largest));
});
