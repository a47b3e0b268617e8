// Recognises items in batches, with explanations if requested.
import { defined } from 'mien-engine/base';
import type { Progress } from '../base/progress.js';
import type { RecognizeOptions, Recognizer } from '../recognizer/types.js';
import type { ExplainRow } from './explanations.js';
import type { PredictSource } from './predict-source.js';
import type { Predicted } from './predictions.js';

/** Items that are recognised and written together. */
const BATCH = 32;
/** Smaller with explanations, which take a hundred times as long. */
const EXPLAINED_BATCH = 4;

export interface Work {
  readonly recognizer: Recognizer;
  readonly settings: RecognizeOptions;
  readonly progress: Progress;
  readonly explain: ExplainRow | undefined;
}

/** Predictions in batches; `done` is the number of rows before the first item. */
export async function* predicted(
  items: PredictSource['items'],
  { recognizer, settings, progress, explain }: Work,
  done = 0,
): AsyncGenerator<Predicted[]> {
  const { answersOf } = await import('../recognizer/node/answers.js');
  const batchSize = explain ? EXPLAINED_BATCH : BATCH;
  let batch: Predicted[] = [];
  let row = done;
  for await (const { item, result, last } of answersOf(recognizer, items, { ...settings, batchSize })) {
    const explanation = await explain?.(item, result, ++row);
    batch.push({ id: item.id, result, ...defined({ explanation }) });
    progress.advance();
    if (batch.length < batchSize && !last) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
