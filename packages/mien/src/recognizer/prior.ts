// How frequent labels are taken to be: priors that callers may ask for, and the distributions that answers are under. The
// decision divides the training prior out and puts another in (packages/mien/src/bundle/decision.ts).
import { defined, MienError, suggestion } from 'mien-engine/base';
import { type BundleManifest, jointPrior, modalitiesOf, type Modality, partOf } from '../bundle/manifest.js';
import { labelsInCommon } from '../data/labels.js';
import type { LabelPrior, RecognizeOptions, RecognizerInfo } from './types.js';

/** Weights of labels by name; a label that is not named weighs 1. */
type Weights = Readonly<Record<string, number>>;

/**
 * @throws MienError `usage` for a prior that is none, names a label that no model has, holds a weight that is not above
 *   zero, or is asked for beside `risk` or `coverage`, which hold for the training prior only.
 */
export function checkPrior(
  labels: RecognizerInfo['labels'],
  { prior, risk, coverage }: RecognizeOptions,
): void {
  if (prior === undefined || prior === 'training') return;
  const refuse = (message: string, hint?: string): never => {
    throw new MienError('usage', message, { field: 'prior', ...defined({ hint }) });
  };
  if (risk !== undefined || coverage !== undefined)
    refuse('risk and coverage were fitted under the training prior and hold for no other');
  if (prior === 'even') return;
  if (typeof prior !== 'object' || prior === null || Array.isArray(prior))
    refuse(`a prior cannot be ${JSON.stringify(prior)}`, 'Pass "training", "even", or a weight by label.');
  const known = [...new Set(Object.values(labels).flat())].sort();
  for (const [label, weight] of Object.entries(prior)) {
    if (!known.includes(label)) refuse(`the prior names "${label}"`, suggestion(label, known));
    if (!(Number.isFinite(weight) && weight > 0))
      refuse(`the weight of ${label} must be above 0, not ${String(weight)}`);
  }
}

/** The priors under which a bundle answers: of each modality, and of all of them over the labels that they share. */
export function priorsOf(manifest: BundleManifest): RecognizerInfo['priors'] {
  const present = modalitiesOf(manifest);
  return {
    ...Object.fromEntries(present.map((one) => [one, partOf(manifest, one).prior])),
    ...(present.length > 1 ? { both: jointPrior(manifest) } : {}),
  };
}

/** The same from what a recogniser says of itself, under the prior of an option. */
export function priorsUnder(
  { labels, priors }: Pick<RecognizerInfo, 'labels' | 'priors'>,
  prior: LabelPrior = 'training',
): RecognizerInfo['priors'] {
  if (prior === 'training') return priors;
  const over = (known: readonly string[]): number[] => priorOver(known, weightsOf(prior));
  return Object.fromEntries(
    Object.keys(priors).map((name) => [
      name,
      over(name === 'both' ? labelsInCommon(labels) : labels[name as Modality]!),
    ]),
  );
}

const weightsOf = (prior: Exclude<LabelPrior, 'training'>): Weights => (prior === 'even' ? {} : prior);

function priorOver(labels: readonly string[], weights: Weights): number[] {
  const own = labels.map((label) => weights[label] ?? 1);
  const total = own.reduce((a, b) => a + b, 0);
  return own.map((weight) => weight / total);
}
