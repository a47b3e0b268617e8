// A head trained once a seed, each judged on validation items, the best of them kept: for bundles and for own data.
import type { Tensors } from 'mien-engine/base';
import {
  type Certainty,
  evaluateScores,
  fitTemperature,
  scores,
  type Scores,
  toPosteriors,
} from 'mien/parts/evaluate';
import { fitCertainty } from '../evaluate/conformal.js';
import {
  createPredictionSession,
  type FeatureTables,
  type HeadGraphOptions,
  type Items,
} from '../train/head-graph.js';

export interface JudgedHead {
  readonly seed: number;
  readonly parameters: Tensors;
  /** Fitted to the validation items, as is the certainty. */
  readonly temperature: number;
  readonly certainty: Certainty;
  /** Macro F1 on the validation items. */
  readonly f1: number;
  /** Logits `[n, labels]` of the test items; none if there are no test items. */
  readonly tested: Scores;
}

/** Trains a head once a seed; the first of equally good seeds is the best. */
export async function trainSeeds({
  graph,
  seeds,
  features,
  validation,
  test,
  train,
}: {
  readonly graph: HeadGraphOptions;
  readonly seeds: readonly number[];
  readonly features: FeatureTables;
  readonly validation: Items;
  readonly test?: Items;
  readonly train: (seed: number) => Promise<{ readonly parameters: Tensors }>;
}): Promise<{ readonly best: JudgedHead; readonly all: readonly JudgedHead[] }> {
  const { labels } = graph.sizes;
  const session = await createPredictionSession(graph);
  const all: JudgedHead[] = [];
  try {
    for (const seed of seeds) {
      const { parameters } = await train(seed);
      const logitsOf = async (items: Items): Promise<Scores> =>
        scores(labels, (await session.logits(parameters, features, items)).data);
      const logits = await logitsOf(validation);
      const { temperature } = fitTemperature(logits, validation.labels);
      all.push({
        seed,
        parameters,
        temperature,
        certainty: fitCertainty(validation.labels, toPosteriors(logits, temperature)),
        f1: evaluateScores(validation.labels, logits).f1,
        tested: test ? await logitsOf(test) : scores(labels, new Float32Array()),
      });
    }
  } finally {
    await session.dispose();
  }
  return { best: all.reduce((a, b) => (b.f1 > a.f1 ? b : a)), all };
}
