// The additive projection against its definition in numpy, and what makes it a projection.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import { additiveProjection, type FusedLogits } from '../../src/evaluate/emap.js';
import { scores } from 'mien/parts/evaluate';
import { golden } from '../../../../test/support/evaluate-golden.js';

const rows = (n: number) => Int32Array.from({ length: n }, (_, i) => i);

/** Logits of pairs as a function of the two items' numbers. */
const logitsOf =
  (classes: number, f: (text: number, face: number, k: number) => number): FusedLogits =>
  ({ text, face }) =>
    Promise.resolve(
      scores(
        classes,
        Float64Array.from({ length: text!.length * classes }, (_, i) =>
          f(text![Math.floor(i / classes)]!, face![Math.floor(i / classes)]!, i % classes),
        ),
      ),
    );

test('all pairs of twelve texts and faces give the projection of numpy', async () => {
  const { texts, faces, additive } = golden.emap;
  const model = logitsOf(3, (i, j, k) => {
    const [t, v] = [texts[i]!, faces[j]!];
    return [t + 2 * v, t * v, Math.sin(t * v) - v][k]!;
  });
  const found = await additiveProjection(model, { text: rows(12), face: rows(12) });
  found.data.forEach((value, i) => expect(value).toBeCloseTo(additive[i]!, 9));
});

const stream = randomStream(3, 'emap test');
const draw = (n: number) => Float64Array.from({ length: n }, () => stream.normal());
const [ofText, ofFace] = [draw(400 * 2), draw(400 * 2)];
const additive = logitsOf(2, (i, j, k) => ofText[2 * i + k]! + ofFace[2 * j + k]!);

test('an additive model is its own projection, for any anchors and batches', async () => {
  const all = { text: rows(400), face: rows(400).map((i) => (7 * i) % 400) };
  const exact = await additive(all);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 399 }), { minLength: 1, maxLength: 40 }),
      fc.array(fc.integer({ min: 0, max: 399 }), { minLength: 1, maxLength: 40 }),
      async (texts, faces) => {
        const anchors = { text: Int32Array.from(texts), face: Int32Array.from(faces) };
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
    const pairs = { text: rows(n), face: rows(n).map((i) => (i + shift) % n) };
    const f = await model(pairs);
    const found = await additiveProjection(model, pairs, { text: rows(n), face: rows(n) });
    f.data.forEach((value, i) => (leftOver[i * n + pairs.face[i]!] = value - found.data[i]!));
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
  const counted: FusedLogits = (pairs) => ((asked += pairs.text!.length), interacting(pairs));
  const anchors = { text: rows(5), face: rows(5) };
  const few = await additiveProjection(counted, { text: rows(4), face: rows(4) }, anchors);
  const once = asked;
  const order = [2, 0, 2, 3, 1, 1];
  const repeated = Int32Array.from(order);
  const found = await additiveProjection(counted, { text: repeated, face: repeated }, anchors);
  expect(asked).toBe(2 * once);
  expect([...found.data]).toEqual(order.flatMap((i) => [...few.data.subarray(2 * i, 2 * i + 2)]));
});

test('rejects invalid input', async () => {
  const one = { text: rows(1), face: rows(1) };
  await expect(additiveProjection(additive, { text: rows(2), face: rows(1) })).rejects.toThrow(/as many/);
  await expect(additiveProjection(additive, one, { text: rows(0), face: rows(1) })).rejects.toThrow(
    /anchors/,
  );
});

/** Logits of triples as a function of the three items' numbers. */
const ofTriples =
  (f: (text: number, face: number, voice: number) => number): FusedLogits =>
  ({ text, face, voice }) =>
    Promise.resolve(
      scores(
        1,
        Float64Array.from(text!, (t, i) => f(t, face![i]!, voice![i]!)),
      ),
    );

test('of three modalities, interactions of two and of three have no part in the projection', async () => {
  const n = 6;
  const model = ofTriples((t, v, a) => Math.sin(t + 2 * v) + v * a - Math.cos(t * v * a) + 3 * t);
  const all = { text: rows(n), face: rows(n), voice: rows(n) };
  const mean = async (over: (i: number) => readonly [number, number, number], count: number) => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const [t, v, a] = over(i).map((one) => Int32Array.of(one));
      sum += (await model({ text: t!, face: v!, voice: a! })).data[0]! / count;
    }
    return sum;
  };
  const pair = (i: number) => [Math.floor(i / n), i % n] as const;
  const total = await mean((i) => [...pair(Math.floor(i / n)), i % n] as const, n ** 3);
  const found = await additiveProjection(model, all);
  for (let i = 0; i < n; i++) {
    const parts = [
      await mean((k) => [i, ...pair(k)] as const, n * n),
      await mean((k) => [pair(k)[0], i, pair(k)[1]] as const, n * n),
      await mean((k) => [...pair(k), i] as const, n * n),
    ];
    expect(found.data[i]).toBeCloseTo(parts[0]! + parts[1]! + parts[2]! - 2 * total, 9);
  }

  const sum = ofTriples((t, v, a) => Math.sin(t) + v * v - 3 * a);
  const anchors = { text: rows(2), face: rows(3), voice: rows(4) };
  const exact = await sum(all);
  (await additiveProjection(sum, all, anchors)).data.forEach((value, i) =>
    expect(value).toBeCloseTo(exact.data[i]!, 9),
  );
});
