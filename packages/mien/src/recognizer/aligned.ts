// Evaluation on naturally occurring pairs, such as posts with their picture: words and picture are labelled separately,
// and neither was chosen to match the other.
import { MienError, randomStream } from 'mien-engine/base';
import { meanAreaUnderRoc } from '../evaluate/metrics.js';
import { quantile } from '../evaluate/bootstrap.js';
import { meanOf, type Interval } from '../evaluate/intervals.js';
import { collapsed, type Collapse } from './collapse.js';
import type { FailureCode, ModalityPosterior, Recognition, Result } from './types.js';

/** A recognised pair with the label of its words and the label of its picture, both among the groups. */
export interface AlignedItem {
  readonly result: Result;
  readonly text: string;
  readonly image: string;
}

/** The source of an answer: the fused answer, the product of the two posteriors, or one modality by itself. */
type AnswerSource = 'answer' | 'product' | 'text alone' | 'face alone';

/** A source's metrics on pairs whose two labels are the same. */
interface AgreeingRow {
  readonly name: AnswerSource;
  readonly accuracy: Interval;
  /** Mean over the labels that occur. */
  readonly meanRecall: number;
  /** Area under the ROC curve; with more than two labels, the mean of one versus the rest. */
  readonly auc: Interval;
  /** Mean log-probability of the label, in nats. */
  readonly logLikelihood: number;
}

/** A source's metrics on pairs whose labels may differ. */
export interface EitherRow {
  readonly name: AnswerSource;
  /** Share of pairs in which it gives the label of the words. */
  readonly textAccuracy: Interval;
  /** Share of pairs in which it gives the label of the picture. */
  readonly imageAccuracy: Interval;
  /** Mean log-probability of both labels, in nats. */
  readonly logLikelihood: Interval;
}

/** How much better the answer is than another source, paired. */
interface AlignedDifference {
  readonly to: Exclude<AnswerSource, 'answer'>;
  readonly accuracy: Interval;
  readonly auc: Interval;
}

export interface AlignedEvaluation {
  readonly groups: readonly string[];
  readonly items: number;
  /** Pairs without an answer, by reason. */
  readonly failures: Readonly<Partial<Record<FailureCode, number>>>;
  /** Pairs of which only the text or only the face could be read; excluded from all rows. */
  readonly oneSided: number;
  readonly agreeing: {
    readonly n: number;
    readonly rows: readonly AgreeingRow[];
    readonly differences: readonly AlignedDifference[];
  };
  readonly contradicting: { readonly n: number; readonly rows: readonly EitherRow[] };
  readonly all: { readonly n: number; readonly rows: readonly EitherRow[] };
}

export interface AlignedOptions {
  readonly replicates?: number;
  readonly seed?: number;
}

const OTHER_SOURCES = ['product', 'text alone', 'face alone'] as const;
const SOURCES: readonly AnswerSource[] = ['answer', ...OTHER_SOURCES];

/**
 * Accuracy, ranking and log-likelihood of the answer, the product of posteriors and each modality alone, with 95%
 * percentile intervals (bootstrap over pairs). All sources use the same resamples, so differences are paired.
 * @throws MienError `data` when in no pair both sides could be read, or a label is not a group.
 */
export function evaluateAligned(
  items: readonly AlignedItem[],
  collapse: Collapse,
  { replicates = 2000, seed = 0 }: AlignedOptions = {},
): AlignedEvaluation {
  const { groups } = collapse;
  const failures: Partial<Record<FailureCode, number>> = {};
  const pairs: Pair[] = [];
  let oneSided = 0;
  for (const { result, text, image } of items) {
    const labels = { text: indexOf(text, groups), image: indexOf(image, groups) };
    if (result.error) failures[result.error.code] = (failures[result.error.code] ?? 0) + 1;
    else if (!result.text || !result.face) oneSided++;
    else pairs.push({ ...labels, posteriors: posteriorsOf(result, result.text, result.face, collapse) });
  }
  if (pairs.length === 0) throw new MienError('data', 'in no pair could both text and face be read');
  const resample = { replicates, seed };
  const same = pairs.filter(({ text, image }) => text === image);
  const differ = pairs.filter(({ text, image }) => text !== image);
  return {
    groups,
    items: items.length,
    failures,
    oneSided,
    agreeing: { n: same.length, ...agreeing(same, resample) },
    contradicting: { n: differ.length, rows: eitherRows(differ, resample) },
    all: { n: pairs.length, rows: eitherRows(pairs, resample) },
  };
}

interface Pair {
  /** Indices of the labels among the groups. */
  readonly text: number;
  readonly image: number;
  /** Over the groups. */
  readonly posteriors: Readonly<Record<AnswerSource, readonly number[]>>;
}

function indexOf(label: string, groups: readonly string[]): number {
  const index = groups.indexOf(label);
  if (index >= 0) return index;
  throw new MienError('data', `the label "${label}" is not one of ${groups.join(', ')}`, {
    hint: 'Map it to one of them in the mapping file, or to null to exclude its rows.',
  });
}

function posteriorsOf(
  answer: Recognition,
  text: ModalityPosterior,
  face: ModalityPosterior,
  collapse: Collapse,
): Pair['posteriors'] {
  const overGroups = ({ probabilities }: Pick<ModalityPosterior, 'probabilities'>): number[] =>
    collapsed(probabilities, collapse);
  const [ofText, ofFace] = [overGroups(text), overGroups(face)];
  const product = ofText.map((p, k) => p * ofFace[k]!);
  const total = product.reduce((sum, p) => sum + p, 0);
  return {
    answer: overGroups(answer),
    product: product.map((p) => (total > 0 ? p / total : 1 / product.length)),
    'text alone': ofText,
    'face alone': ofFace,
  };
}

/** A statistic of all pairs, and of each resample. */
interface Resampled {
  readonly value: number;
  readonly replicates: readonly number[];
}
type Statistic = (pairs: readonly Pair[]) => number;

/** Computes statistics on one common set of resamples. */
function bootstrapOver(
  pairs: readonly Pair[],
  { replicates, seed }: Required<AlignedOptions>,
): (statistic: Statistic) => Resampled {
  const stream = randomStream(seed, 'aligned pairs');
  const resamples = Array.from({ length: replicates }, () =>
    pairs.map(() => pairs[stream.integer(pairs.length)]!),
  );
  return (statistic) => ({ value: statistic(pairs), replicates: resamples.map(statistic) });
}

const differenceOf = (a: Resampled, b: Resampled): Resampled => ({
  value: a.value - b.value,
  replicates: a.replicates.map((value, i) => value - b.replicates[i]!),
});

function intervalOf({ value, replicates }: Resampled): Interval {
  // A resample may lack a label, and then has no area under the curve.
  const values = replicates.filter((one) => !Number.isNaN(one));
  const bound = (q: number): number | null => (values.length > 0 ? quantile(values, q) : null);
  return { mean: value, low: bound(0.025), high: bound(0.975) };
}

function agreeing(
  pairs: readonly Pair[],
  options: Required<AlignedOptions>,
): Pick<AlignedEvaluation['agreeing'], 'rows' | 'differences'> {
  if (pairs.length === 0) return { rows: [], differences: [] };
  const resampled = bootstrapOver(pairs, options);
  const measured = <Name extends AnswerSource>(name: Name) => ({
    name,
    accuracy: resampled((drawn) => shareOf(drawn, name, 'text')),
    auc: resampled((drawn) =>
      meanAreaUnderRoc(
        drawn.map(({ posteriors }) => posteriors[name]),
        drawn.map(({ text }) => text),
      ),
    ),
  });
  const answer = measured('answer');
  const others = OTHER_SOURCES.map(measured);
  return {
    rows: [answer, ...others].map(({ name, accuracy, auc }) => ({
      name,
      accuracy: intervalOf(accuracy),
      auc: intervalOf(auc),
      meanRecall: meanRecallOf(pairs, name),
      logLikelihood: meanOf(pairs.map(({ posteriors, text }) => logOf(posteriors[name][text]))),
    })),
    differences: others.map(({ name: to, accuracy, auc }) => ({
      to,
      accuracy: intervalOf(differenceOf(answer.accuracy, accuracy)),
      auc: intervalOf(differenceOf(answer.auc, auc)),
    })),
  };
}

function eitherRows(pairs: readonly Pair[], options: Required<AlignedOptions>): EitherRow[] {
  if (pairs.length === 0) return [];
  const resampled = bootstrapOver(pairs, options);
  return SOURCES.map((name) => ({
    name,
    textAccuracy: intervalOf(resampled((drawn) => shareOf(drawn, name, 'text'))),
    imageAccuracy: intervalOf(resampled((drawn) => shareOf(drawn, name, 'image'))),
    logLikelihood: intervalOf(resampled((drawn) => meanOf(drawn.map((pair) => eitherLog(pair, name))))),
  }));
}

/** The group with the highest probability, the first in case of ties. */
const topOf = (posterior: readonly number[]): number => posterior.indexOf(Math.max(...posterior));

const shareOf = (pairs: readonly Pair[], source: AnswerSource, side: 'text' | 'image'): number =>
  pairs.filter((pair) => topOf(pair.posteriors[source]) === pair[side]).length / pairs.length;

function meanRecallOf(pairs: readonly Pair[], source: AnswerSource): number {
  const labels = [...new Set(pairs.map(({ text }) => text))];
  const recallOf = (label: number): number =>
    shareOf(
      pairs.filter(({ text }) => text === label),
      source,
      'text',
    );
  return meanOf(labels.map(recallOf));
}

/** Probabilities are clipped here, so that one confident mistake does not dominate a mean. */
const MIN_PROBABILITY = 1e-6;
const logOf = (probability = 0): number => Math.log(Math.max(probability, MIN_PROBABILITY));

const eitherLog = ({ posteriors, text, image }: Pair, source: AnswerSource): number =>
  (logOf(posteriors[source][text]) + logOf(posteriors[source][image])) / 2;
