// Three modalities of which any two may contradict each other: against the model of such items, summed label by label in
// float64, for every set of them that an item may have.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { add, float32, takeRows } from 'mien-engine';
import {
  BUNDLE_FORMAT,
  type Decision,
  type DecisionOutput,
  jointName,
  MODALITIES,
  type Modality,
  openDecision,
  type Side,
  subsetsOf,
} from 'mien/parts/bundle';
import { decisionModel, type DecisionParts } from '../../src/export/decision.js';

const LABELS = ['anger', 'joy', 'neutral'];
const OFTEN = 0.8;
type Row = readonly number[];
const normalized = (values: Row): number[] => {
  const total = values.reduce((a, b) => a + b);
  return values.map((value) => value / total);
};
const times = (...rows: Row[]): number[] => LABELS.map((_, k) => rows.reduce((p, row) => p * row[k]!, 1));

const PRIORS: Readonly<Record<Modality, Row>> = {
  text: [0.2, 0.3, 0.5],
  face: [0.3, 0.3, 0.4],
  voice: [0.4, 0.35, 0.25],
};
const TEMPERATURES: Readonly<Record<Modality, number>> = { text: 1.1, face: 0.9, voice: 1.4 };
const FUSED_PRIOR = [0.25, 0.3, 0.45];

const partOf = (modality: Modality) => ({
  model: '',
  width: 3,
  labels: LABELS,
  temperature: TEMPERATURES[modality],
  prior: [...PRIORS[modality]],
});
const fusionOf = (more: Partial<NonNullable<DecisionParts['fusion']>>) => ({
  labels: LABELS,
  head: 'made',
  temperature: 1,
  prior: FUSED_PRIOR,
  ...more,
});
const partsOf = (more: Parameters<typeof fusionOf>[0], voice = true): DecisionParts => ({
  text: { ...partOf('text'), tokenizer: '', maxTokens: 8 },
  face: { ...partOf('face'), size: 32 },
  ...(voice ? { voice: { ...partOf('voice'), sampleRate: 16_000 as const } } : {}),
  fusion: fusionOf(more),
});
/** The head's logits are the sum of both embeddings, so that it can be given what Bayes' rule would compute. */
const open = (parts: DecisionParts): Promise<Decision> =>
  openDecision(
    { format: BUNDLE_FORMAT, name: 'made', decision: '', terms: [], ...parts },
    decisionModel(parts, ({ text, face }) => ({ logits: add(text, face) })),
    { threads: 1 },
  );

type Logits = Readonly<Record<Modality, Row>>;
/** p / π of a modality, up to a constant. */
const evidenceOf = (modality: Modality, logits: Row): number[] =>
  logits.map((logit, k) => Math.exp(logit / TEMPERATURES[modality]) / PRIORS[modality][k]!);

function sidesOf(items: readonly Logits[], some: readonly Modality[]): Record<string, Side> {
  const embeddingOf = (modality: Modality, logits: Row): number[] =>
    evidenceOf(modality, logits).map(
      (value, k) => Math.log(value) + (modality === 'text' ? Math.log(FUSED_PRIOR[k]!) : 0),
    );
  return Object.fromEntries(
    some.map((modality) => [
      modality,
      {
        logits: float32(
          [items.length, 3],
          items.flatMap((one) => one[modality]),
        ),
        embedding: float32(
          [items.length, 3],
          items.flatMap((one) => embeddingOf(modality, one[modality])),
        ),
      },
    ]),
  );
}

/** The prior of items with these modalities: the fusion's if it takes part, else that of the first. */
const priorOf = (some: readonly Modality[]): Row =>
  some.includes('text') && some.includes('face') ? FUSED_PRIOR : PRIORS[some[0]!];

/** All ways to give each of n places one of some values. */
const ways = <T>(values: readonly T[], n: number): T[][] =>
  n === 0 ? [[]] : ways(values, n - 1).flatMap((some) => values.map((value) => [...some, value]));

/**
 * The model as a story: the item has a label, each modality expresses it or one of its own; the answer is the expected label
 * of a modality, and the agreement the probability that all express the item's.
 */
function told(likelihoods: readonly Row[], prior: Row, often: number) {
  const n = likelihoods.length;
  const answer = LABELS.map(() => 0);
  let [all, agreeing] = [0, 0];
  for (const aboard of ways([true, false], n))
    for (const item of LABELS.keys())
      for (const own of ways([...LABELS.keys()], n)) {
        const labels = aboard.map((is, m) => (is ? item : own[m]!));
        const chance = aboard.reduce(
          (p, is, m) => p * (is ? Math.sqrt(often) : 1 - Math.sqrt(often)) * prior[own[m]!]!,
          prior[item]!,
        );
        const weight = labels.reduce((p, label, m) => p * likelihoods[m]![label]!, chance);
        all += weight;
        if (aboard.every(Boolean)) agreeing += weight;
        for (const label of labels) answer[label]! += weight / n;
      }
  return { answer: answer.map((value) => value / all), agreement: agreeing / all };
}

const SETS = subsetsOf(MODALITIES, 2);
const logit = fc.double({ min: -4, max: 4, noNaN: true });
const logits = fc.tuple(logit, logit, logit);
const items = fc.record({ text: logits, face: logits, voice: logits });
const close = (found: ArrayLike<number>, expected: Row): void => {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, k) => expect(found[k]).toBeCloseTo(value, 5));
};
const named = <Name extends 'answer' | 'agreement' | 'logits' | 'product'>(
  some: readonly Modality[],
  name: Name,
) => jointName(MODALITIES, some, name);

describe('every set of three modalities', () => {
  let decision: Decision;
  beforeAll(async () => (decision = await open(partsOf({ agreement: OFTEN }))));
  afterAll(() => decision.dispose());
  const ask = async (one: Logits, some: readonly Modality[], weights?: Readonly<Record<string, number>>) => {
    const outputs = [named(some, 'answer'), named(some, 'agreement'), named(some, 'product')];
    const found = await decision.run(sidesOf([one], some), outputs, weights);
    return outputs.map((name) => found[name].data) as [Float32Array, Float32Array, Float32Array];
  };

  test.each(SETS)('is answered as the model tells: %s %s %s', (...some) =>
    fc.assert(
      fc.asyncProperty(items, fc.option(fc.double({ min: 0.2, max: 5, noNaN: true })), async (one, joy) => {
        const prior = joy === null ? priorOf(some) : normalized([1, joy, 1]);
        const evidence = some.map((modality) => evidenceOf(modality, one[modality]));
        // Scaled, so that each is a likelihood whose mean under the prior is 1.
        const likelihoods = evidence.map((row) => {
          const mean = times(row, prior).reduce((a, b) => a + b);
          return row.map((value) => value / mean);
        });
        const expected = told(likelihoods, prior, OFTEN);
        const [answer, agreement, product] = await ask(one, some, joy === null ? undefined : { joy });
        close(answer, expected.answer);
        close(agreement, [expected.agreement]);
        close(product, normalized(times(prior, ...evidence)));
      }),
      { numRuns: 15 },
    ),
  );

  test('by hand: three that are certain, of which all agree, or the voice contradicts the others', async () => {
    const joy = [0, 40, 0];
    const [answer, agreement] = await ask({ text: joy, face: joy, voice: joy }, ['text', 'face', 'voice']);
    close(answer, [0, 1, 0]);
    // √.8³ = .715542 and .8 (1 − √.8) = .084458 for each pair; joy has the prior .3.
    const [all, pair] = [0.7155418 / 0.09, 0.0844582 / 0.3];
    close(agreement, [all / (all + 3 * pair + 1 - 0.7155418 - 3 * 0.0844582)]);
    // Two of three express joy, one anger.
    const apart = await ask({ text: joy, face: joy, voice: [40, 0, 0] }, ['text', 'face', 'voice']);
    close(apart[0], [1 / 3, 2 / 3, 0]);
    close(apart[1], [0]);
  });

  test('rows are those of their items, in any order', async () => {
    const some: Modality[] = ['text', 'face', 'voice'];
    const batch: Logits[] = [0, 1, 2, 3].map((i) => ({
      text: [i, 2 - i, 0.5],
      face: [1, i / 2, -i],
      voice: [-i, i, 1],
    }));
    const order = [2, 0, 3, 1];
    const outputs: DecisionOutput[] = ['answer', 'agreement', 'disagreement', 'voice posterior'];
    const straight = await decision.run(sidesOf(batch, some), outputs);
    const mixed = await decision.run(
      sidesOf(
        order.map((i) => batch[i]!),
        some,
      ),
      outputs,
    );
    for (const name of outputs)
      order.forEach((i, row) =>
        close(takeRows(mixed[name]!, [row]).data, [...takeRows(straight[name]!, [i]).data]),
      );
  });
});

describe('what others add counts in part', () => {
  const WEIGHTS: Readonly<Record<Modality, number>> = { text: 1, face: 0.3, voice: 0.4 };

  test('at α = 1 each modality but the first is a power of its evidence; the head as a whole', async () => {
    const decision = await open(partsOf({ faceWeight: 0.3, weights: { voice: 0.4 } }));
    await fc.assert(
      fc.asyncProperty(items, async (one) => {
        for (const some of SETS) {
          const factors = some.map((modality, i) =>
            evidenceOf(modality, one[modality]).map((value) => value ** (i === 0 ? 1 : WEIGHTS[modality])),
          );
          const expected = normalized(times(priorOf(some), ...factors));
          const name = named(some, 'answer');
          close((await decision.run(sidesOf([one], some), [name]))[name].data, expected);
        }
      }),
      { numRuns: 15 },
    );
    expect([...decision.outputs].filter((name) => name.endsWith('agreement') && !/dis/.test(name))).toEqual(
      [],
    );
    await decision.dispose();
  });

  test('words and faces are answered as without a voice in the bundle', async () => {
    const shares = { agreement: OFTEN, faceWeight: 0.3 };
    const [two, three] = [
      await open(partsOf(shares, false)),
      await open(partsOf({ ...shares, weights: { voice: 0.4 } })),
    ];
    await fc.assert(
      fc.asyncProperty(items, async (one) => {
        const both = sidesOf([one], ['text', 'face']);
        for (const name of ['answer', 'logits', 'agreement'] as const) {
          const pair = named(['text', 'face'], name);
          close((await three.run(both, [pair]))[pair].data, [...(await two.run(both, [name]))[name].data]);
        }
        for (const modality of ['text', 'face'] as const) {
          const side = sidesOf([one], [modality]);
          const name = `${modality} answer` as const;
          close((await three.run(side, [name]))[name].data, [...(await two.run(side, [name]))[name].data]);
        }
      }),
      { numRuns: 15 },
    );
    await two.dispose();
    await three.dispose();
  });
});
