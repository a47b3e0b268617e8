// Posteriors of learned encoders' own classifiers, calibrated on validation.
import { float32, takeRows, type Tensor } from 'mien-engine/base';
import {
  type Certainty,
  fitTemperature,
  labelPrior,
  pick,
  productOfPosteriors,
  restrictLogits,
  restrictPrior,
  scores,
  toPosteriors,
} from 'mien/parts/evaluate';
import { fitCertainty } from '../evaluate/conformal.js';
import type { ExperimentData, Selection } from '../experiments/data.js';
import { classify } from '../learn/classifier.js';
import type { LearnedFace, LearnedText } from '../learn/learned.js';
import type { Posterior } from './corrupted-pairs.js';

interface Calibration {
  readonly temperature: number;
  readonly prior: number[];
  readonly certainty: Certainty;
}

/** Of both encoders: the text answers alone with the labels `among`, the face with all of its own. */
export function calibratedParts(
  data: ExperimentData,
  { text, face }: { readonly text: LearnedText; readonly face: LearnedFace },
  among: readonly string[],
): Readonly<Record<'text' | 'face', Calibration>> {
  const texts = (split: 'train' | 'validation') => data.texts(text.labels, split);
  const faces = (split: 'train' | 'validation') => data.faces('both', face.labels, split);
  const both = <T>(of: (split: 'train' | 'validation') => T) => ({
    train: of('train'),
    validation: of('validation'),
  });
  return {
    text: calibrated(text, data.tables.text, both(texts), among),
    face: calibrated(face, data.tables.face, both(faces), face.labels),
  };
}

/**
 * Calibration of a learned classifier on validation: its temperature, unless its record has one fitted on more corpora,
 * its confidence thresholds among the labels `among`, and the label distribution of its training data.
 */
function calibrated(
  { weights, labels, record }: LearnedText | LearnedFace,
  table: Tensor<'float32'>,
  { train, validation }: { readonly train: Selection; readonly validation: Selection },
  among: readonly string[],
): Calibration {
  const logits = scores(
    labels.length,
    classify(takeRows(table, validation.rows).data, weights, labels.length),
  );
  const {
    temperature = fitTemperature(logits, validation.labels).temperature,
    prior = labelPrior(train.labels, labels.length),
  } = record.calibration ?? {};
  const asked = [...validation.labels.keys()].filter((i) => among.includes(labels[validation.labels[i]!]!));
  const truth = asked.map((i) => among.indexOf(labels[validation.labels[i]!]!));
  const posteriors = toPosteriors(restrictLogits(pick(logits, asked), labels, among), temperature);
  return {
    temperature,
    prior,
    certainty: fitCertainty(truth, posteriors),
  };
}

/** Logits of a learned classifier over all of its labels, for embeddings `[n, width]`. */
export const logitsOf = (
  { weights, labels }: LearnedText | LearnedFace,
  { shape, data }: Tensor<'float32'>,
): Tensor<'float32'> => float32([shape[0]!, labels.length], classify(data, weights, labels.length));

/**
 * What a learned classifier makes of embeddings, given that the label is one of `among`, each as likely as in `target`.
 */
export const posteriorsOf =
  (
    learned: LearnedText | LearnedFace,
    { temperature, prior }: Pick<Calibration, 'temperature' | 'prior'>,
    among: readonly string[],
    target: readonly number[],
  ): Posterior =>
  (embeddings) => {
    const { labels } = learned;
    const logits = scores(labels.length, logitsOf(learned, embeddings).data);
    const evidence = {
      logits: restrictLogits(logits, labels, among),
      temperature,
      prior: restrictPrior(prior, labels, among),
    };
    return toPosteriors(productOfPosteriors([evidence], target));
  };
