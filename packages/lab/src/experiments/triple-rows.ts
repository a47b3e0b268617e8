// The three-way table: label-matched triples of text, face and voice, judged by each modality alone, every two, and all, by
// the gate and by the product of posteriors; by one gate that does without those that are missing; and with voices made worse.
import { MODALITIES, type Modality } from 'mien/parts/bundle';
import {
  argmax,
  fitTemperature,
  pick,
  productOfPosteriors,
  type Scores,
  scores,
  toPosteriors,
} from 'mien/parts/evaluate';
import type { Tensor } from 'mien-engine/base';
import { fitAgreement, type TwoViews } from '../evaluate/agreement.js';
import { crossedInterval } from '../evaluate/intervals.js';
import { choicesOf } from './incomplete.js';
import { incompleteModel, type ModelSpec, TRIPLE_PAIRS, tripleModel, voiceModel } from './plan.js';
import { type Context, finish, pairPrior, scoresOf, type TableRow, temperatureOf } from './row-parts.js';
import { validationMatches } from './run.js';
import {
  corruptedTest,
  evidenceOf,
  headOf,
  ofTriples,
  pairShares,
  rowsOf,
  sharesOf,
  triplesOf,
  type Triples,
  unimodalModel,
  validationTruth,
  withFacts,
  type Worse,
} from './triple-parts.js';

/** The rows of the three-way table; over seven labels those of voices and of all three only. */
export function tripleRows(context: Context): TableRow[] {
  const { config, data } = context;
  const triples = triplesOf(context);
  const pairs = data.source === 'all' ? [] : TRIPLE_PAIRS;
  const alone = (data.source === 'all' ? ['voice'] : MODALITIES) as readonly Modality[];
  return [
    ...alone.map((modality) => aloneRow(context, triples, modality)),
    ...[...pairs, MODALITIES].flatMap((modalities) => [
      gatedRow(context, triples, modalities),
      productRow(context, triples, modalities),
    ]),
    ...(data.source === 'all'
      ? []
      : choicesOf(MODALITIES).map((choice, i) =>
          incompleteRow(context, triples, incompleteModel(config.labels, data.source), choice, i),
        )),
    ...(data.source === 'all' ? [] : corruptedRows(context, triples)),
  ];
}

/** The voice alone and all three, with voices made worse; none where they were not embedded. */
function corruptedRows(context: Context, triples: Triples): TableRow[] {
  const {
    config: { labels },
    data,
    runs,
  } = context;
  const incomplete = incompleteModel(labels, data.source);
  const models = [voiceModel(labels, data.source), tripleModel(MODALITIES, labels, data.source), incomplete];
  // Finished runs of earlier versions that kept no parameters cannot be asked.
  if (models.flatMap(runs).some(({ corrupted }) => corrupted === undefined)) return [];
  return data.corrupted.flatMap(({ as, level }, place) => {
    const worse: Worse = { as, level, place };
    return [
      aloneRow(context, triples, 'voice', worse),
      productRow(context, triples, MODALITIES, worse),
      gatedRow(context, triples, MODALITIES, worse),
      incompleteRow(context, triples, incomplete, MODALITIES, 0, worse),
    ];
  });
}

function aloneRow(context: Context, triples: Triples, modality: Modality, worse?: Worse): TableRow {
  const found = context.runs(unimodalModel(context, modality));
  const cells = ofTriples(context, triples, [modality], found, (run) => {
    const { logits, temperature } = evidenceOf(context, triples, modality, run, worse);
    const posteriors = toPosteriors(logits, temperature);
    return (pairing) => pick(posteriors, triples.pairings[pairing]![modality]);
  });
  // What a text alone says is the same in every pairing.
  const distinct = modality === 'text' ? cells.map(([first]) => [first!]) : cells;
  return finish(context, headOf(context, modality, [modality], 'alone', worse), distinct);
}

/** The unimodal heads' calibrated posteriors, multiplied. */
function productRow(
  context: Context,
  triples: Triples,
  modalities: readonly Modality[],
  worse?: Worse,
): TableRow {
  const prior = pairPrior(context);
  const runs = modalities.map((modality) => context.runs(unimodalModel(context, modality)));
  const cells = ofTriples(context, triples, modalities, runs[0]!, (_run, seed) => {
    const evidence = modalities.map((modality, m) =>
      evidenceOf(context, triples, modality, runs[m]![seed]!, worse),
    );
    return (pairing) => {
      const picked = evidence.map((one, m) => ({
        ...one,
        logits: pick(one.logits, triples.pairings[pairing]![modalities[m]!]),
      }));
      return toPosteriors(productOfPosteriors(picked, prior));
    };
  });
  const row = finish(context, headOf(context, 'product', modalities, 'product', worse), cells);
  return worse ? row : withFacts(row, { agreement: agreementsOf(context, triples, modalities) });
}

/** For each two of the modalities, the α under which the labels of the validation triples are most likely. */
function agreementsOf(
  context: Context,
  triples: Triples,
  modalities: readonly Modality[],
): Record<string, number> {
  const { config } = context;
  const prior = pairPrior(context);
  const matched = validationMatches(config, triples.validation);
  const truth = validationTruth(context, triples);
  const posteriors = new Map(
    modalities.map((modality) => [
      modality,
      context.runs(unimodalModel(context, modality)).map((run): Scores => {
        const { temperature } = evidenceOf(context, triples, modality, run);
        return toPosteriors(pick(scoresOf(run.validation), matched[modality]), temperature);
      }),
    ]),
  );
  const twos = modalities.flatMap((one, m) => modalities.slice(m + 1).map((other) => [one, other] as const));
  return Object.fromEntries(
    twos.map(([one, other]) => {
      const views = posteriors
        .get(one)!
        .map((first, seed): TwoViews => ({ first, second: posteriors.get(other)![seed]!, truth }));
      return [`${one}+${other}`, fitAgreement(views, prior)];
    }),
  );
}

function gatedRow(
  context: Context,
  triples: Triples,
  modalities: readonly Modality[],
  worse?: Worse,
): TableRow {
  const { config, data } = context;
  const { testSeeds } = config.pairing;
  const found = context.runs(tripleModel(modalities, config.labels, data.source));
  const truth = validationTruth(context, triples);
  const cells = ofTriples(context, triples, modalities, found, (run) => {
    const temperature = temperatureOf(run, truth);
    return (pairing) => {
      const test = worse ? corruptedTest(run, worse.place * testSeeds + pairing) : run.tests[pairing]!;
      return toPosteriors(scoresOf(test), temperature);
    };
  });
  const row = finish(context, headOf(context, 'gated', modalities, 'gated', worse), cells);
  if (worse) return withFacts(row, corruptedShares(context, found, worse));
  const additive = found.flatMap(({ analysis }) => analysis?.additive ?? []);
  return withFacts(row, {
    ...sharesOf(found, modalities, (run) => run.analysis?.shares ?? pairShares(run)),
    ...(additive.length === found.length
      ? {
          additive: crossedInterval(additive.map((logits) => [accuracyOf(logits, triples.test.text.labels)])),
        }
      : {}),
  });
}

/** The shares of a gate on all three in the tests of one degree. */
function corruptedShares({ config }: Context, found: ReturnType<Context['runs']>, { place }: Worse) {
  const { testSeeds } = config.pairing;
  return sharesOf(found, MODALITIES, ({ corrupted }) => {
    const shares = corrupted?.shares;
    return shares && rowsOf(shares, place * testSeeds, (place + 1) * testSeeds);
  });
}

/** The head that does without modalities, on those of this choice. */
function incompleteRow(
  context: Context,
  triples: Triples,
  model: ModelSpec,
  choice: readonly Modality[],
  index: number,
  worse?: Worse,
): TableRow {
  const { config, runs } = context;
  const { testSeeds } = config.pairing;
  const found = runs(model);
  const truth = validationTruth(context, triples, 1);
  const n = truth.length;
  const cells = ofTriples(context, triples, choice, found, (run) => {
    const own = pick(
      scoresOf(run.validation),
      Int32Array.from({ length: n }, (_, i) => index * n + i),
    );
    const { temperature } = fitTemperature(own, truth);
    return (pairing) => {
      const test = worse
        ? corruptedTest(run, worse.place * testSeeds + pairing)
        : run.tests[index * testSeeds + pairing]!;
      return toPosteriors(scoresOf(test), temperature);
    };
  });
  const distinct = choice.length === 1 && choice[0] === 'text' ? cells.map(([first]) => [first!]) : cells;
  const row = finish(context, headOf(context, 'gated', choice, 'incomplete', worse), distinct);
  if (worse) return withFacts(row, corruptedShares(context, found, worse));
  const first = index * testSeeds;
  return withFacts(
    row,
    sharesOf(found, MODALITIES, ({ analysis }) => {
      const shares = analysis?.shares;
      return shares && rowsOf(shares, first, first + testSeeds);
    }),
  );
}

function accuracyOf({ shape, data }: Tensor<'float32'>, truth: Uint8Array): number {
  const predicted = argmax(scores(shape[1]!, data));
  return predicted.filter((label, i) => label === truth[i]).length / truth.length;
}
