// The fusion head of a bundle: trained on the learned features, the best of several seeds on validation.
import { defined, type Tensors } from 'mien-engine/base';
import { type Certainty, type Progress, type Scores, silentProgress } from 'mien/parts';
import { trainSeeds } from '../experiments/best-seed.js';
import type { Config } from '../experiments/config.js';
import type { ExperimentData } from '../experiments/data.js';
import { fusedModel } from '../experiments/plan.js';
import { graphOptions } from '../experiments/head-options.js';
import { evaluationItems, trainRun, type Variation } from '../experiments/run.js';
import type { HeadName } from '../heads/heads.js';
import type { Items } from '../train/head-graph.js';
import type { FusionParts } from './models.js';

export interface FusionHead {
  readonly parts: FusionParts;
  readonly parameters: Tensors;
  readonly temperature: number;
  readonly certainty: Certainty;
  readonly seed: number;
  /** Macro-F1 on validation pairs of each seed. */
  readonly validation: readonly number[];
}

/** Trains `head` on pairs with the faces of both sets, once a seed. */
export async function trainFusion(
  data: ExperimentData,
  config: Config,
  options: {
    readonly head: HeadName;
    readonly folder: string;
    /** What tells these features from others. */
    readonly features: string;
    /** How training pairs are changed; without it they are as they are, as in the paper. */
    readonly variation?: Variation | undefined;
    /** What is answered to pairs (rows of the tables) of which the head says `fused`; without it just that. */
    readonly answer?: (pairs: Items, fused: Scores) => Scores;
    readonly progress?: Progress;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<FusionHead> {
  const { head, folder, features, variation, answer, progress = silentProgress, signal } = options;
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
    answer: answer && ((fused) => answer(validation, fused)),
  });
  const { sizes, widths, standardization } = graph;
  return {
    parts: { head, sizes, widths, standardization } as FusionParts,
    parameters: best.parameters,
    temperature: best.temperature,
    certainty: best.certainty,
    seed: best.seed,
    validation: all.map(({ f1 }) => f1),
  };
}
