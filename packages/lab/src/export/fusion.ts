// The fusion head of a bundle: trained on the learned features, the best of several seeds on validation.
import { defined } from 'mien-engine/base';
import {
  type Certainty,
  evaluateScores,
  fitTemperature,
  type Progress,
  scores,
  type Scores,
  silentProgress,
  softmax,
} from 'mien/parts';
import { fitCertainty } from '../evaluate/conformal.js';
import type { Tensors } from 'mien-engine/base';
import type { Config } from '../experiments/config.js';
import type { ExperimentData } from '../experiments/data.js';
import { fusedModel } from '../experiments/plan.js';
import { graphOptions } from '../experiments/head-options.js';
import { evaluationItems, trainRun, type Variation } from '../experiments/run.js';
import type { HeadName } from '../heads/heads.js';
import { createPredictionSession, type Items } from '../train/head-graph.js';
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
  const session = await createPredictionSession(graph);
  const found: {
    parameters: Tensors;
    f1: number;
    temperature: number;
    certainty: Certainty;
    seed: number;
  }[] = [];
  try {
    for (const seed of config.seeds) {
      const { parameters } = await trainRun(data, {
        model,
        seed,
        config,
        folder,
        features,
        progress,
        ...defined({ variation, signal }),
      });
      const { logits } = await session.run(parameters, data.tables, validation);
      const rows = scores(config.labels.length, logits.data);
      const { temperature } = fitTemperature(rows, validation.labels);
      const fused = softmax(rows, temperature);
      const certainty = fitCertainty(validation.labels, answer ? answer(validation, fused) : fused);
      const { f1 } = evaluateScores(validation.labels, rows);
      found.push({ parameters, seed, temperature, certainty, f1 });
    }
  } finally {
    await session.dispose();
  }
  const best = found.reduce((a, b) => (b.f1 > a.f1 ? b : a));
  const { sizes, widths, standardization } = graph;
  return {
    parts: { head, sizes, widths, standardization } as FusionParts,
    parameters: best.parameters,
    temperature: best.temperature,
    certainty: best.certainty,
    seed: best.seed,
    validation: found.map(({ f1 }) => f1),
  };
}
