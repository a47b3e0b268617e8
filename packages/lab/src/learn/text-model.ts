// A text encoder with its classifiers: in training on batches of token ids, and afterwards on texts of any length.
import {
  add,
  argMax,
  cast,
  div,
  dropout,
  equal,
  float32,
  gather,
  less,
  linear,
  minimum,
  mul,
  type Parameters,
  reshape,
  slice,
  softCrossEntropy,
  sum,
  type Tensors,
  type Value,
  where,
} from 'mien-engine';
import { bert, type BertConfig } from '../encoders/bert.js';
import { createTextEncoder } from '../encoders/load.js';
import type { Pooling } from '../encoders/profiles.js';
import { CLASSIFIER, FINE_CLASSIFIER } from './classifier.js';
import { defineTrainee, type Trainee } from '../train/step.js';
import type { TextLearnSettings } from './settings.js';

export interface TextModel {
  readonly config: BertConfig;
  readonly pooling: Pooling;
  readonly classes: number;
  /** Number of labels of the second classifier; 0 if there is none. */
  readonly fine: number;
  /** Rows of the word table that are trained by themselves; see `TRAINED_ROWS`. */
  readonly trainedRows: number;
}

const WORDS = 'embeddings.word_embeddings.weight';

/**
 * The first rows of the word table, which are trained while the rest is not: emoji and signs in unused places, and the
 * most frequent words. Training the whole table would double the cost of each optimiser step.
 */
export const TRAINED_ROWS = 'embeddings.trained_rows';

/** The weights with the trained rows, if any, back in the word table. */
export function withRowsInPlace(weights: Tensors): Tensors {
  const { [TRAINED_ROWS]: rows, ...rest } = weights;
  if (rows === undefined) return weights;
  const table = rest[WORDS]!;
  const data = Float32Array.from(table.data as Float32Array);
  data.set(rows.data as Float32Array);
  return { ...rest, [WORDS]: float32(table.shape, data) };
}

/** The weights with the first rows of the word table as a tensor of their own. */
export function withTrainedRows(weights: Tensors, rows: number): Tensors {
  if (rows === 0) return weights;
  const { data, shape } = weights[WORDS]!;
  const width = shape[1]!;
  return {
    ...weights,
    [TRAINED_ROWS]: float32([rows, width], (data as Float32Array).slice(0, rows * width)),
  };
}

/** Parameters whose word table is looked up in two parts, the first of which is trained. */
function splitTable(p: Parameters, { config, trainedRows }: TextModel): Parameters {
  if (trainedRows === 0) return p;
  const { vocabulary, width } = config;
  const rows = (name: string, ids: Value): Value | undefined => {
    if (name !== WORDS) return undefined;
    const table = p.get(WORDS, [vocabulary, width]);
    const first = p.get(TRAINED_ROWS, [trainedRows, width]);
    const isFirst = reshape(less(ids, trainedRows), [...ids.shape, 1]);
    return where(isFirst, gather(first, minimum(ids, trainedRows - 1)), gather(table, ids));
  };
  return { ...p, rows };
}

/** One embedding per text, of padded texts: `[n, tokens, width]` and `[n, tokens]` → `[n, width]`. */
function pool(states: Value, mask: Value, pooling: Pooling): Value {
  const [n, tokens, width] = states.shape as [number, number, number];
  if (pooling === 'cls') return reshape(slice(states, 1, 0, 1), [n, width]);
  const kept = cast(mask, 'float32');
  const total = sum(mul(states, reshape(kept, [n, tokens, 1])), [1]);
  return div(total, sum(kept, [1], true));
}

/** The encoder and its classifiers on batches of texts padded to `tokens`. */
export function textTrainee(model: TextModel, settings: TextLearnSettings, tokens: number): Trainee {
  const { config, pooling, classes, fine } = model;
  const n = settings.batchSize;
  return defineTrainee({
    batch: {
      ids: { dtype: 'int32', shape: [n, tokens] },
      mask: { dtype: 'int32', shape: [n, tokens] },
      targets: { dtype: 'float32', shape: [n, classes] },
      // Added to the logits: excludes labels that the corpus cannot give, and adjusts for its label frequencies.
      offsets: { dtype: 'float32', shape: [n, classes] },
      weights: { dtype: 'float32', shape: [n] },
      ...(fine > 0
        ? {
            fineTargets: { dtype: 'float32', shape: [n, fine] },
            fineWeights: { dtype: 'float32', shape: [n] },
          }
        : {}),
      seed: { dtype: 'int32', shape: [] },
    },
    build: (parameters, batch) => {
      const p = splitTable(parameters, model);
      const { ids, mask, targets, offsets, weights, seed, fineTargets, fineWeights } = batch;
      const drop = settings.dropout > 0 ? { dropout: { rate: settings.dropout, seed } } : {};
      const states = bert(p, config, { ids, mask }, drop);
      const embedding = pool(states, mask, pooling);
      const kept = dropout(embedding, settings.dropout, { seed, place: CLASSIFIER });
      const logits = add(linear(p, CLASSIFIER, kept, classes), offsets);
      const hits = cast(equal(argMax(logits), argMax(targets)), 'float32');
      const loss = softCrossEntropy(logits, targets, weights);
      return {
        loss:
          fineTargets && fineWeights
            ? add(
                loss,
                mul(
                  softCrossEntropy(linear(p, FINE_CLASSIFIER, kept, fine), fineTargets, fineWeights),
                  settings.fine,
                ),
              )
            : loss,
        hits: sum(mul(hits, cast(reshape(slice(mask, 1, 0, 1), [n]), 'float32'))),
      };
    },
  });
}

/** Embeddings `[n, width]` of tokenised texts, by weights in memory. */
export async function textEmbeddings(
  { config, pooling }: Pick<TextModel, 'config' | 'pooling'>,
  weights: Tensors,
  texts: readonly Int32Array[],
  threads?: number,
): Promise<Float32Array> {
  const encoder = await createTextEncoder(config, withRowsInPlace(weights), pooling, { threads });
  try {
    return (await encoder.encode(texts)).data;
  } finally {
    await encoder.dispose();
  }
}
