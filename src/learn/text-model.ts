// A text encoder with a classifier, in training on token ids, and on texts of any length afterwards.
import type { Tensors } from '../base/tensor.js';
import type { Value } from '../graph/builder.js';
import { cast, div, equal, mul } from '../graph/ops/elementwise.js';
import { reshape, slice } from '../graph/ops/movement.js';
import { argMax, sum } from '../graph/ops/reduction.js';
import { bert, type BertConfig } from '../encoders/bert.js';
import type { Pooling } from '../encoders/profiles.js';
import { createTextEncoder } from '../encoders/load-text.js';
import { linear } from '../nn/linear.js';
import { softCrossEntropy } from '../nn/loss.js';
import { dropout } from '../nn/stochastic.js';
import { CLASSIFIER, classify } from './classifier.js';
import type { TextLearnSettings } from './settings.js';
import type { Trainee } from './step-session.js';

export interface TextModel {
  readonly config: BertConfig;
  readonly pooling: Pooling;
  readonly classes: number;
}

/** One embedding a text, of texts that are padded: `[n, tokens, width]` and `[n, tokens]` → `[n, width]`. */
function pool(states: Value, mask: Value, pooling: Pooling): Value {
  const [n, tokens, width] = states.shape as [number, number, number];
  if (pooling === 'cls') return reshape(slice(states, 1, 0, 1), [n, width]);
  const kept = cast(mask, 'float32');
  const total = sum(mul(states, reshape(kept, [n, tokens, 1])), [1]);
  return div(total, sum(kept, [1], true));
}

/** The encoder and its classifier on batches of texts padded to `tokens`. */
export function textTrainee(
  { config, pooling, classes }: TextModel,
  settings: TextLearnSettings,
  tokens: number,
): Trainee {
  const n = settings.batchSize;
  return {
    batch: {
      ids: { dtype: 'int32', shape: [n, tokens] },
      mask: { dtype: 'int32', shape: [n, tokens] },
      targets: { dtype: 'float32', shape: [n, classes] },
      weights: { dtype: 'float32', shape: [n] },
      seed: { dtype: 'int32', shape: [] },
    },
    build: (p, batch) => {
      const { ids, mask, targets, weights, seed } = batch as Record<string, Value>;
      const drop = settings.dropout > 0 ? { dropout: { rate: settings.dropout, seed: seed! } } : {};
      const states = bert(p, config, { ids: ids!, mask: mask! }, drop);
      const embedding = pool(states, mask!, pooling);
      const kept = dropout(embedding, settings.dropout, { seed: seed!, place: CLASSIFIER });
      const logits = linear(p, CLASSIFIER, kept, classes);
      const hits = cast(equal(argMax(logits), argMax(targets!)), 'float32');
      return {
        loss: softCrossEntropy(logits, targets!, weights!),
        hits: sum(mul(hits, cast(reshape(slice(mask!, 1, 0, 1), [n]), 'float32'))),
      };
    },
  };
}

/** Logits `[n, classes]` of tokenised texts by weights that are in memory. */
export async function textLogits(
  { config, pooling, classes }: TextModel,
  weights: Tensors,
  texts: readonly Int32Array[],
  threads?: number,
): Promise<Float32Array> {
  const encoder = await createTextEncoder(config, weights, pooling, { threads });
  try {
    return classify((await encoder.encode(texts)).data, weights, classes);
  } finally {
    await encoder.dispose();
  }
}
