// Evaluates a trained head of the comparison: which pairs it gets right, which side its gate prefers, and how much of
// it is additive.
import type { Tensors } from 'mien-engine/base';
import { hitsAgainst, meanOf, scores } from 'mien/parts/evaluate';
import type { Config } from '../../experiments/config.js';
import type { ExperimentData } from '../../experiments/data.js';
import { graphOptions, tablesOf } from '../../experiments/head-options.js';
import type { ModelSpec } from '../../experiments/plan.js';
import { additiveOf, predictParts, type Asked } from '../../experiments/run-analysis.js';
import { createPredictionSession } from '../../train/head-graph.js';
import type { AskedTables, LabelledPairs } from './situations.js';

/** `hits` are 1 where the label is right. */
export interface Answers {
  readonly hits: readonly number[];
  /** Mean of the gate over all pairs. */
  readonly gate?: number;
}

/** Pairs per run: the states of more would take gigabytes. */
const PAIRS_A_RUN = 256;

/** A session of the head with these parameters; its owner disposes of it. */
export async function answering(
  model: ModelSpec,
  parameters: Tensors,
  config: Config,
  data: ExperimentData,
  tables: AskedTables,
) {
  const session = await createPredictionSession(graphOptions(model, config, data), 1);
  const asked: Asked = { session, parameters, tables: tablesOf(tables, model), atOnce: PAIRS_A_RUN };
  const classes = config.labels.length;
  const ask = async (pairs: LabelledPairs): Promise<Answers> => {
    const hits: number[] = [];
    let gates = 0;
    for await (const { start, logits, gate } of predictParts(asked, pairs)) {
      const own = hitsAgainst(scores(classes, logits.data), pairs.labels.subarray(start));
      hits.push(...own);
      if (gate) gates += meanOf(gate.data) * own.length;
    }
    return { hits, ...(model.head === 'gated' ? { gate: gates / hits.length } : {}) };
  };
  const additive = async (pairs: LabelledPairs, seed: number): Promise<number[]> => [
    ...hitsAgainst(await additiveOf(asked, pairs, classes, seed), pairs.labels),
  ];
  return { ask, additive, dispose: () => session.dispose() };
}
