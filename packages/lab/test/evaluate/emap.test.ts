// The additive projection against its definition in numpy, and what makes it a projection.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import { additiveProjection, type PairLogits } from '../../src/evaluate/emap.js';
import { scores } from 'mien/parts/evaluate';
import { golden } from '../../../../test/support/evaluate-golden.js';

const rows = (n: number) => Int32Array.from({ length: n }, (_, i) => i);

/** Logits of pairs as a function of the two items' numbers. */
const logitsOf =
  (classes: number, f: (text: number, face: number, k: number) => number): PairLogits =>
  (texts, faces) =>
    Promise.resolve(
      scores(
        classes,
        Float64Array.from({ length: texts.length * classes }, (_, i) =>
          f(texts[Math.floor(i / classes)]!, faces[Math.floor(i / classes)]!, i % classes),
        ),
      ),
    );

test('all pairs of twelve texts and faces give the projection of numpy', async () => {
  const { texts, faces, additive } = golden.emap;
  const model = logitsOf(3, (i, j, k) => {
    const [t, v] = [texts[i]!, faces[j]!];
    return [t + 2 * v, t * v, Math.sin(t * v) - v][k]!;
  });
  const found = await additiveProjection(model, { texts: rows(12), faces: rows(12) });
  found.data.forEach((value, i) => expect(value).toBeCloseTo(additive[i]!, 9));
});

const stream = randomStream(3, 'emap test');
const draw = (n: number) => Float64Array.from({ length: n }, () => stream.normal());
const [ofText, ofFace] = [draw(400 * 2), draw(400 * 2)];
const additive = logitsOf(2, (i, j, k) => ofText[2 * i + k]! + ofFace[2 * j + k]!);

test('an additive model is its own projection, for any anchors and batches', async () => {
  const all = { texts: rows(400), faces: rows(400).map((i) => (7 * i) % 400) };
  const exact = await additive(all.texts, all.faces);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 399 }), { minLength: 1, maxLength: 40 }),
      fc.array(fc.integer({ min: 0, max: 399 }), { minLength: 1, maxLength: 40 }),
      async (texts, faces) => {
        const anchors = { texts: Int32Array.from(texts), faces: Int32Array.from(faces) };
        const found = await additiveProjection(additive, all, anchors);
        found.data.forEach((value, i) => expect(Math.abs(value - exact.data[i]!)).toBeLessThan(1e-9));
      },
    ),
    { numRuns: 10 },
  );
});

test('the residual has zero mean over texts and over faces, so that the projection is the closest additive model', async () => {
  const n = 20;
  const model = logitsOf(1, (i, j) => Math.cos(1.3 * i * j) + 0.1 * i - 0.2 * j);
  const leftOver = new Float64Array(n * n);
  for (let shift = 0; shift < n; shift++) {
    const pairs = { texts: rows(n), faces: rows(n).map((i) => (i + shift) % n) };
    const f = await model(pairs.texts, pairs.faces);
    const found = await additiveProjection(model, pairs, { texts: rows(n), faces: rows(n) });
    f.data.forEach((value, i) => (leftOver[i * n + pairs.faces[i]!] = value - found.data[i]!));
  }
  for (let i = 0; i < n; i++) {
    let [text, face] = [0, 0];
    for (let j = 0; j < n; j++) {
      text += leftOver[i * n + j]!;
      face += leftOver[j * n + i]!;
    }
    expect(text).toBeCloseTo(0, 9);
    expect(face).toBeCloseTo(0, 9);
  }
});

test('repeated items are evaluated once', async () => {
  let asked = 0;
  const interacting = logitsOf(2, (i, j, k) => Math.cos(1.3 * i * j + k) + 0.1 * i);
  const counted: PairLogits = (texts, faces) => ((asked += texts.length), interacting(texts, faces));
  const anchors = { texts: rows(5), faces: rows(5) };
  const few = await additiveProjection(counted, { texts: rows(4), faces: rows(4) }, anchors);
  const once = asked;
  const order = [2, 0, 2, 3, 1, 1];
  const repeated = Int32Array.from(order);
  const found = await additiveProjection(counted, { texts: repeated, faces: repeated }, anchors);
  expect(asked).toBe(2 * once);
  expect([...found.data]).toEqual(order.flatMap((i) => [...few.data.subarray(2 * i, 2 * i + 2)]));
});

test('rejects invalid input', async () => {
  const one = { texts: rows(1), faces: rows(1) };
  await expect(additiveProjection(additive, { texts: rows(2), faces: rows(1) })).rejects.toThrow(/as many/);
  await expect(additiveProjection(additive, one, { texts: rows(0), faces: rows(1) })).rejects.toThrow(
    /anchors/,
  );
});
