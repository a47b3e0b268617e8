// The fusion head of a bundle: trained on the learned features, the best of several seeds on validation.
import { defined, type Tensors } from 'mien-engine/base';
import { type Progress, silentProgress } from 'mien/parts/base';
import { type BundleManifest, openDecision, type Sides } from 'mien/parts/bundle';
import { type Certainty, scores } from 'mien/parts/evaluate';
import { fitCertainty } from '../evaluate/conformal.js';
import { trainSeeds } from '../experiments/best-seed.js';
import type { Config } from '../experiments/config.js';
import type { ExperimentData } from '../experiments/data.js';
import { fusedModel } from '../experiments/plan.js';
import { graphOptions } from '../experiments/head-options.js';
import { evaluationItems, trainRun, type Variation } from '../experiments/run.js';
import type { HeadName } from '../heads/heads.js';
import type { Items } from '../train/head-graph.js';
import { decisionModel, type DecisionHead } from './decision.js';
import type { FusionParts } from './models.js';

export interface FusionHead {
  readonly parts: FusionParts;
  readonly parameters: Tensors;
  readonly temperature: number;
  readonly seed: number;
  /** Macro-F1 on validation pairs of each seed. */
  readonly validation: readonly number[];
  /** The validation pairs, rows of the tables. */
  readonly pairs: Items;
}

/** Trains `head` on pairs with the faces of both sets, once per seed. */
export async function trainFusion(
  data: ExperimentData,
  config: Config,
  options: {
    readonly head: HeadName;
    readonly folder: string;
    /** Identifies these features. */
    readonly features: string;
    /** Corrupts training pairs; without it they are unchanged, as in the paper. */
    readonly variation?: Variation | undefined;
    readonly progress?: Progress;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<FusionHead> {
  const { head, folder, features, variation, progress = silentProgress, signal } = options;
  const model = fusedModel(head, config.labels, 'both', data.source);
  const graph = graphOptions(model, config, data);
  const { validation } = evaluationItems(config, data, model);
  const { best, all } = await trainSeeds({
    graph,
    seeds: config.seeds,
    features: data.tables,
    validation,
    train: (seed) =>
      trainRun(data, { model, seed, config, folder, features, progress, ...defined({ variation, signal }) }),
  });
  const { sizes, widths, standardization } = graph;
  return {
    parts: { head, sizes, widths, standardization } as FusionParts,
    parameters: best.parameters,
    temperature: best.temperature,
    seed: best.seed,
    validation: all.map(({ f1 }) => f1),
    pairs: validation,
  };
}

/** Confidence thresholds for pairs, fitted on the decision's answers to labelled pairs. */
export async function pairCertainty(
  manifest: Omit<BundleManifest, 'files'>,
  head: DecisionHead,
  sides: Sides,
  truth: ArrayLike<number>,
): Promise<Certainty> {
  const decision = await openDecision(manifest, decisionModel(manifest, head));
  try {
    const { answer } = await decision.run(sides, ['answer']);
    return fitCertainty(truth, scores(manifest.fusion!.labels.length, answer.data));
  } finally {
    await decision.dispose();
  }
}
