// From learned encoders and data to what heads are compared on: features, training pairs, the encoders' own answers.
import { sha256 } from 'mien-engine/node';
import { labelPrior } from 'mien/parts/evaluate';
import { loadFaceEncoder, loadTextEncoder } from '../../encoders/load.js';
import type { LearnedFace, LearnedText } from '../../learn/learned.js';
import { corruptedPairs } from '../corrupted-pairs.js';
import { calibratedParts, posteriorsOf } from '../learned-posteriors.js';
import type { CompareOptions } from './compare.js';
import { comparedFeatures, type ComparedOptions } from './features.js';

export interface ComparisonSources extends Omit<ComparedOptions, 'encoders'> {
  readonly text: LearnedText;
  readonly face: LearnedFace;
  /** Tokens a text has at most, for every head. */
  readonly maxTokens: number;
  /** Threads of the encoders; all cores by default. */
  readonly threads?: number;
}

/**
 * Faces are encoded once, without their mirror image, so that a pooled embedding is pooled from the very regions that
 * other heads read.
 * @throws MienError as extraction does.
 */
export async function prepareComparison(
  options: ComparisonSources,
): Promise<Pick<CompareOptions, 'features' | 'variation' | 'posteriors' | 'key'>> {
  const { text, face, labels, protocol, maxTokens, threads } = options;
  const computed = threads === undefined ? {} : { threads };
  const encoders = {
    text: await loadTextEncoder(
      { id: 'mien/compared-text', revision: 'local', folder: text.folder, pooling: text.pooling, maxTokens },
      computed,
    ),
    face: await loadFaceEncoder(
      {
        id: 'mien/compared-face',
        revision: 'local',
        folder: face.folder,
        imageSize: 'published',
        mirror: false,
      },
      computed,
    ),
  };
  const features = await comparedFeatures({ ...options, encoders }).finally(async () => {
    await encoders.text.dispose();
    await encoders.face.dispose();
  });
  const { data } = features;
  const parts = calibratedParts(data, { text, face }, labels);
  // The sample has as many faces of each label; the encoder was trained on all.
  const trained = protocol.faces.flatMap((one) =>
    one.split === 'train' ? [face.labels.indexOf(one.label)] : [],
  );
  const facePrior = labelPrior(Uint8Array.from(trained), face.labels.length);
  const target = labelPrior(data.texts(labels, 'train').labels, labels.length);
  const posteriors = {
    text: posteriorsOf(text, parts.text, labels, target),
    face: posteriorsOf(face, { ...parts.face, prior: facePrior }, labels, target),
  };
  return {
    features,
    posteriors,
    variation: corruptedPairs(data, labels, features.corrupted, posteriors),
    key: sha256(
      JSON.stringify([
        text.record.sha256,
        face.record.sha256,
        maxTokens,
        protocol.settings,
        data.sets.texts.ids.length,
        [...data.sets.faces.fer2013.ids, ...data.sets.faces.rafdb.ids],
      ]),
    ),
  };
}
