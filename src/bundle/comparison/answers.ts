// A trained head of the comparison, asked: which pairs it gets right, whom its gate takes, and what is left of it
// without interaction.
import { randomStream } from '../../base/random.js';
import type { Tensors } from '../../base/tensor.js';
import { additiveProjection } from '../../evaluate/emap.js';
import { stratifiedSample } from '../../evaluate/sample.js';
import { argmax, scores, type Scores } from '../../evaluate/scores.js';
import type { Config } from '../../experiment/config.js';
import type { ExperimentData } from '../../experiment/data.js';
import { graphOptions, tablesOf } from '../../experiment/head-options.js';
import type { ModelSpec } from '../../experiment/plan.js';
import { createPredictionSession } from '../../train/head-graph.js';
import type { AskedTables, PairRows } from './situations.js';

/** `hits` are 1 where the label was right. */
export interface Answers {
  readonly hits: readonly number[];
  /** Mean of the gate over all pairs. */
  readonly gate?: number;
}

/** Pairs a run of the session: all states of more would take gigabytes. */
const PAIRS_A_RUN = 256;
/** Texts and faces that an additive projection averages over. */
const ANCHORS = 32;

export const hitsOf = (logits: Scores, labels: Uint8Array): number[] =>
  Array.from(argmax(logits), (label, i) => Number(label === labels[i]));

/** A session of the head with these parameters; its owner disposes of it. */
export async function answering(
  model: ModelSpec,
  parameters: Tensors,
  config: Config,
  data: ExperimentData,
  asked: AskedTables,
) {
  const session = await createPredictionSession(graphOptions(model, config, data), 1);
  const tables = tablesOf(asked, model);
  const classes = config.labels.length;
  const predicted = async ({ text, face }: Pick<PairRows, 'text' | 'face'>) => {
    const logits = new Float32Array(text.length * classes);
    let gates = 0;
    for (let start = 0; start < text.length; start += PAIRS_A_RUN) {
      const end = start + PAIRS_A_RUN;
      const part = { text: text.subarray(start, end), face: face.subarray(start, end) };
      const { logits: own, gate } = await session.run(parameters, tables, part);
      logits.set(own.data, start * classes);
      if (gate) gates += (gate.data.reduce((a, b) => a + b, 0) / gate.data.length) * part.text.length;
    }
    return { logits: scores(classes, logits), gate: gates / text.length };
  };
  const ask = async (pairs: PairRows): Promise<Answers> => {
    const { logits, gate } = await predicted(pairs);
    return { hits: hitsOf(logits, pairs.labels), ...(model.head === 'gated' ? { gate } : {}) };
  };
  /** Hits of the head's additive projection; anchors are drawn anew for every seed, so that their luck evens out. */
  const additive = async ({ text, face, labels }: PairRows, seed: number): Promise<number[]> => {
    const anchors = stratifiedSample(labels, ANCHORS, randomStream(seed, 'anchors'));
    const of = (rows: Int32Array): Int32Array => anchors.map((place) => rows[place]!);
    const projected = await additiveProjection(
      async (texts, faces) => (await predicted({ text: texts, face: faces })).logits,
      { texts: text, faces: face },
      { texts: of(text), faces: of(face) },
    );
    return hitsOf(projected, labels);
  };
  return { ask, additive, dispose: () => session.dispose() };
}
