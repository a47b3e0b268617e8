// The decision graph: by hand, against plain arithmetic in float64, and what holds of any posteriors.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  constant,
  createGraph,
  createSession,
  encodeModel,
  float32,
  input,
  log,
  type Session,
  takeRows,
} from 'mien-engine';
import { openDecision } from 'mien/parts/bundle';
import { productOfPosteriors, scores, toPosteriors } from 'mien/parts/evaluate';
import {
  allowingForContradictions,
  decisionModel,
  type DecisionParts,
  partly,
} from '../../src/export/decision.js';
import { legibleManifest, openDecisionOf, openLegible } from '../../../../test/support/bundle.js';

const TEXT = ['anger', 'joy', 'shame'];
const FACE = ['anger', 'joy', 'neutral'];
const SHARED = ['anger', 'joy'];

const partsOf = (
  priors: Readonly<Record<'text' | 'face', number[]>>,
  temperature = { text: 1, face: 1 },
): DecisionParts => ({
  text: {
    model: '',
    tokenizer: '',
    maxTokens: 8,
    width: 2,
    labels: TEXT,
    temperature: temperature.text,
    prior: priors.text,
  },
  face: { model: '', size: 32, width: 2, labels: FACE, temperature: temperature.face, prior: priors.face },
});
const third = [1 / 3, 1 / 3, 1 / 3];
const parts = partsOf({ text: third, face: third });
const row = (...values: number[]) => float32([1, values.length], values);
const normalized = (values: readonly number[]): number[] => {
  const total = values.reduce((a, b) => a + b);
  return values.map((value) => value / total);
};
const close = (found: ArrayLike<number>, expected: readonly number[], digits = 5): void => {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(found[i]).toBeCloseTo(value, digits));
};

const positive = fc.double({ min: 0.01, max: 1, noNaN: true });
const logit = fc.double({ min: -5, max: 5, noNaN: true });
const three = <T>(of: fc.Arbitrary<T>) => fc.tuple(of, of, of);
const temperature = fc.double({ min: 0.3, max: 3, noNaN: true });

describe('a modality alone', () => {
  test('under another prior its posterior is p · q / π, renormalised, at every temperature', async () => {
    await fc.assert(
      fc.asyncProperty(
        three(positive),
        three(positive),
        three(logit),
        temperature,
        async (trained, weights, logits, t) => {
          const prior = normalized(trained);
          const decision = await openDecisionOf({
            face: partsOf({ text: third, face: prior }, { text: 1, face: t }).face,
          });
          const wanted = Object.fromEntries(FACE.map((label, k) => [label, weights[k]!]));
          const outputs = ['face posterior', 'face moved logits', 'face answer'] as const;
          const side = { face: { logits: row(...logits) } };
          const plain = await decision.run(side, ['face posterior']);
          const moved = await decision.run(side, outputs, wanted);
          await decision.dispose();
          const p = [...toPosteriors(scores(3, Float64Array.from(logits)), t).data];
          close(plain['face posterior'].data, p);
          const expected = normalized(p.map((value, k) => (value * weights[k]!) / prior[k]!));
          close(moved['face posterior'].data, expected);
          close(moved['face answer'].data, expected);
          // Moved logits are those of a model that had been trained under the prior, at the same temperature.
          close(toPosteriors(scores(3, moved['face moved logits'].data), t).data, expected, 4);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('a text is answered over the labels that faces have too, a face over all of its own', async () => {
    const decision = await openDecisionOf(parts);
    const logits = row(1, 2, 4);
    const { 'text answer': ofText, 'text posterior': whole } = await decision.run({ text: { logits } }, [
      'text posterior',
      'text answer',
    ]);
    const { 'face answer': ofFace } = await decision.run({ face: { logits } }, ['face answer']);
    await decision.dispose();
    const e = [1, 2, 4].map(Math.exp);
    close(whole.data, normalized(e));
    close(ofText.data, normalized(e.slice(0, 2)));
    close(ofFace.data, normalized(e));
  });

  test('a text-only bundle answers over all of its labels, and has no outputs for pairs', async () => {
    const decision = await openDecisionOf({ text: parts.text });
    const { 'text answer': answer } = await decision.run({ text: { logits: row(0, 1, 0) } }, ['text answer']);
    close(answer.data, normalized([1, Math.E, 1]));
    await expect(async () => decision.run({}, ['answer'])).rejects.toMatchObject({ code: 'bundle' });
    await expect(decision.run({}, ['text answer'])).rejects.toMatchObject({ code: 'bundle' });
    await decision.dispose();
  });
});

describe('both without a fusion', () => {
  test('is the product of posteriors under the prior of texts, or another', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(
          three(positive),
          three(positive),
          three(logit),
          three(logit),
          temperature,
          temperature,
          positive,
        ),
        async ([ofText, ofFace, textLogits, faceLogits, textT, faceT, weight]) => {
          const priors = { text: normalized(ofText), face: normalized(ofFace) };
          const decision = await openDecisionOf(partsOf(priors, { text: textT, face: faceT }));
          const sides = { text: { logits: row(...textLogits) }, face: { logits: row(...faceLogits) } };
          const outputs = ['answer', 'logits', 'prior'] as const;
          const trained = await decision.run(sides, outputs);
          const asked = await decision.run(sides, outputs, { joy: weight });
          await decision.dispose();
          const evidence = (
            [
              [textLogits, textT, priors.text],
              [faceLogits, faceT, priors.face],
            ] as const
          ).map(([logits, t, prior]) => ({
            logits: scores(2, Float64Array.from(logits.slice(0, 2))),
            temperature: t,
            prior: normalized(prior.slice(0, 2)),
          }));
          for (const [found, prior] of [
            [trained, normalized(priors.text.slice(0, 2))],
            [asked, normalized([1, weight])],
          ] as const) {
            const product = productOfPosteriors(evidence, prior);
            close(found.prior.data, prior);
            close(found.answer.data, [...toPosteriors(product).data]);
            close(found.logits.data, [...product.data], 4);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  test('disagreement is symmetric, 0 for the same and 1 for disjoint posteriors', async () => {
    const decision = await openDecisionOf(parts);
    const between = async (a: readonly number[], b: readonly number[]): Promise<number> => {
      const sides = { text: { logits: row(...a, 0) }, face: { logits: row(...b, 0) } };
      return (await decision.run(sides, ['disagreement'])).disagreement.data[0]!;
    };
    expect(await between([200, -200], [-200, 200])).toBe(1);
    expect(await between([1, 2], [1, 2])).toBeCloseTo(0, 6);
    // By hand: p = (1, 0), q = (½, ½): ½ (log2 4/3) + ½ (½ log2 2/3 + ½ log2 2).
    const known = 0.5 * Math.log2(4 / 3) + 0.5 * (0.5 * Math.log2(2 / 3) + 0.5);
    expect(await between([100, -100], [0, 0])).toBeCloseTo(known, 6);
    await fc.assert(
      fc.asyncProperty(fc.tuple(logit, logit), fc.tuple(logit, logit), async (a, b) => {
        expect(await between(a, b)).toBeCloseTo(await between(b, a), 6);
      }),
      { numRuns: 20 },
    );
    await decision.dispose();
  });
});

describe('a fusion', () => {
  test('rows of a batch equal those of single items, and only requested outputs are computed', async () => {
    const bundle = await openLegible([], 0.8, { joy: 3 }, 0.3);
    const { decision } = bundle;
    const text = await bundle.texts(['fear joy', 'the day', 'sadness']);
    const face = await bundle.faces(
      [10, 120, 250].map((grey) => ({ width: 4, height: 4, data: new Uint8Array(48).fill(grey) })),
    );
    const outputs = ['answer', 'logits', 'agreement', 'disagreement', 'gate', 'mean gate'] as const;
    const all = await decision.run({ text, face }, outputs);
    expect(Object.keys(all).sort()).toEqual([...outputs].sort());
    for (let i = 0; i < 3; i++) {
      const one = (side: typeof text) => ({
        embedding: takeRows(side.embedding, [i]),
        logits: takeRows(side.logits, [i]),
      });
      const single = await decision.run({ text: one(text), face: one(face) }, outputs);
      for (const name of outputs) close(takeRows(all[name], [i]).data, [...single[name].data], 6);
    }
    await bundle.dispose();
  });

  test('a static gate is that of every item', async () => {
    const fusion = { labels: SHARED, head: 'static-gate', temperature: 1, prior: [0.5, 0.5] };
    const manifest = { ...legibleManifest, ...parts, fusion };
    const model = decisionModel(manifest, ({ text }) => ({
      logits: text,
      gate: constant(text.graph, row(0.25, 0.5)),
    }));
    const decision = await openDecision(manifest, model, { threads: 1 });
    const side = { embedding: float32([2, 2], [1, 0, 0, 1]), logits: float32([2, 3], new Float32Array(6)) };
    const { gate, 'mean gate': mean } = await decision.run({ text: side, face: side }, ['gate', 'mean gate']);
    close(gate.data, [0.25, 0.5, 0.25, 0.5]);
    close(mean.data, [0.375, 0.375]);
    await decision.dispose();
  });
});

describe('contradictions', () => {
  let session: Session;
  const ask = async ({
    fused,
    text,
    face,
    prior,
  }: Readonly<Record<'fused' | 'text' | 'face' | 'prior', readonly number[]>>) => {
    const { answer, agreement } = await session.run({
      fused: float32([fused.length / 2, 2], fused),
      text: float32([text.length / 2, 2], text),
      face: float32([face.length / 2, 2], face),
      prior: float32([2], prior),
    });
    return { answer: answer!.data as Float32Array, agreement: agreement!.data as Float32Array };
  };
  /** The rule on posteriors over two labels. */
  async function opened(options: { agreement?: number; faceWeight?: number }): Promise<Session> {
    const graph = createGraph('contradictions');
    const given = (name: string) => log(input(graph, name, 'float32', ['n', 2]));
    const prior = log(input(graph, 'prior', 'float32', [2]));
    const [text, face] = [given('text'), given('face')];
    const together = () => partly(given('fused'), text, options.faceWeight);
    const opinions = { alone: [text, face], together, prior };
    const { answer, agreement } = allowingForContradictions(opinions, options.agreement);
    return createSession(encodeModel(graph, { answer, agreement }), { threads: 1 });
  }
  const withRule = async (
    options: Parameters<typeof opened>[0],
    work: () => Promise<void>,
  ): Promise<void> => {
    session = await opened(options);
    try {
      await work();
    } finally {
      await session.dispose();
    }
  };

  test('by hand: two labels, one pair that agrees and one that does not', () =>
    withRule({ agreement: 0.9 }, async () => {
      const { answer, agreement } = await ask({
        text: [0.8, 0.2, 0.9, 0.1],
        face: [0.9, 0.1, 0.1, 0.9],
        fused: [0.97, 0.03, 0.6, 0.4],
        prior: [0.5, 0.5],
      });
      // s = 2 (.72 + .02) = 1.48 and 2 (.09 + .09) = .36
      const [one, other] = [1.332 / 1.432, 0.324 / 0.424];
      close(agreement, [one, other], 6);
      expect(answer[0]).toBeCloseTo(one * 0.97 + (1 - one) * 0.85, 6);
      expect(answer[3]).toBeCloseTo(other * 0.4 + (1 - other) * 0.5, 6);
    }));

  test('by hand: half of what the face adds, and nothing of it', async () => {
    const [text, face, prior] = [
      [0.8, 0.2],
      [0.1, 0.9],
      [0.5, 0.5],
    ] as const;
    const fused = normalized(text.map((p, k) => (p * face[k]!) / prior[k]!));
    // .8 √.1 and .2 √.9
    const half = normalized([0.8 * Math.sqrt(0.1), 0.2 * Math.sqrt(0.9)]);
    await withRule({ faceWeight: 0.5 }, async () =>
      close((await ask({ fused, text, face, prior })).answer, half, 6),
    );
    await withRule({ faceWeight: 0 }, async () =>
      close((await ask({ fused, text, face, prior })).answer, text, 6),
    );
  });

  const posterior = fc.double({ min: 0.01, max: 0.99, noNaN: true }).map((p) => [p, 1 - p]);
  const opinions = fc.record({ fused: posterior, text: posterior, face: posterior, prior: posterior });

  test.each([0, 0.3, 0.9, 1])('rows sum to one and lie between fused and alone, at %s', (agreement) =>
    withRule({ agreement }, () =>
      fc.assert(
        fc.asyncProperty(opinions, async (given) => {
          const { answer, agreement: found } = await ask(given);
          expect(answer[0]! + answer[1]!).toBeCloseTo(1, 6);
          expect(found[0]).toBeGreaterThanOrEqual(0);
          expect(found[0]).toBeLessThanOrEqual(1);
          given.fused.forEach((fused, k) => {
            const alone = (given.text[k]! + given.face[k]!) / 2;
            expect(answer[k]).toBeGreaterThanOrEqual(Math.min(fused, alone) - 1e-6);
            expect(answer[k]).toBeLessThanOrEqual(Math.max(fused, alone) + 1e-6);
            if (agreement === 1) expect(answer[k]).toBeCloseTo(fused, 6);
            if (agreement === 0) expect(answer[k]).toBeCloseTo(alone, 6);
          });
        }),
        { numRuns: 40 },
      ),
    ),
  );

  test('a side whose posterior is the prior does not contradict', () =>
    withRule({ agreement: 0.9 }, () =>
      fc.assert(
        fc.asyncProperty(opinions, async (given) => {
          const { agreement } = await ask({ ...given, face: given.prior });
          expect(agreement[0]).toBeCloseTo(0.9, 5);
        }),
        { numRuns: 40 },
      ),
    ));
});
