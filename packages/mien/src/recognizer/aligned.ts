// Tests on pairs that people made themselves, such as posts with their picture: words and picture have a label each,
// and nobody chose one to match the other.
import { MienError, randomStream } from 'mien-engine/base';
import { meanAreaUnderRoc } from '../evaluate/metrics.js';
import { quantile } from '../evaluate/bootstrap.js';
import { meanOf, type Interval } from '../evaluate/intervals.js';
import { collapsed, type Collapse } from './collapse.js';
import type { FailureCode, Recognition, Result } from './types.js';

/** A recognised pair with the label of its words and the label of its picture, both among the groups. */
export interface AlignedItem {
  readonly result: Result;
  readonly text: string;
  readonly image: string;
}

/** What answers: the fused answer, the product of the two posteriors, or one modality by itself. */
type AlignedWay = 'answer' | 'product' | 'text alone' | 'face alone';

/** One way of answering, on pairs whose two labels are the same. */
interface AgreeingRow {
  readonly name: AlignedWay;
  readonly accuracy: Interval;
  /** Mean over the labels that occur. */
  readonly meanRecall: number;
  /** Area under the ROC curve; of more than two labels the mean of one versus the rest. */
  readonly auc: Interval;
  /** Mean logarithm of the label's probability, in nats. */
  readonly logLikelihood: number;
}

/** One way of answering, on pairs whose labels may differ. */
export interface EitherRow {
  readonly name: AlignedWay;
  /** Share of pairs in which it gives the label of the words. */
  readonly textAccuracy: Interval;
  /** Share of pairs in which it gives the label of the picture. */
  readonly imageAccuracy: Interval;
  /** Mean over pairs of the mean logarithm of the probabilities of both labels, in nats. */
  readonly logLikelihood: Interval;
}

/** How much better the answer is than another way, pair by pair. */
interface AlignedDifference {
  readonly to: Exclude<AlignedWay, 'answer'>;
  readonly accuracy: Interval;
  readonly auc: Interval;
}

export interface AlignedEvaluation {
  readonly groups: readonly string[];
  readonly items: number;
  /** Pairs without an answer, by reason. */
  readonly failures: Readonly<Partial<Record<FailureCode, number>>>;
  /** Pairs of which one side could not be read; they are in no row. */
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

const WAYS: readonly AlignedWay[] = ['answer', 'product', 'text alone', 'face alone'];

/**
 * Accuracy, ranking and log-likelihood of the answer, the product of posteriors and each modality alone, with
 * percentile intervals over pairs (95 %, bootstrap). All ways meet the same resamples, so differences are paired.
 * @throws MienError `data` when no pair was read from both sides, or a label is no group.
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
    else pairs.push({ ...labels, says: saysOf(result, collapse) });
  }
  if (pairs.length === 0) throw new MienError('data', 'no pair could be read from both sides');
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
  /** Posterior over the groups of each way. */
  readonly says: Readonly<Record<AlignedWay, readonly number[]>>;
}

function indexOf(label: string, groups: readonly string[]): number {
  const index = groups.indexOf(label);
  if (index >= 0) return index;
  throw new MienError('data', `the label "${label}" is none of ${groups.join(', ')}`, {
    hint: 'A mapping file says which label stands for which, and null leaves its rows out.',
  });
}

function saysOf({ probabilities, text, face }: Recognition, collapse: Collapse): Pair['says'] {
  const [ofText, ofFace] = [
    collapsed(text!.probabilities, collapse),
    collapsed(face!.probabilities, collapse),
  ];
  const product = ofText.map((p, k) => p * ofFace[k]!);
  const total = product.reduce((sum, p) => sum + p, 0);
  return {
    answer: collapsed(probabilities, collapse),
    product: product.map((p) => (total > 0 ? p / total : 1 / product.length)),
    'text alone': ofText,
    'face alone': ofFace,
  };
}

type Statistics = Readonly<Record<string, number>>;

/** A statistic of all pairs with its percentile interval over resampled ones, by name. */
function resampled(
  pairs: readonly Pair[],
  statistics: (pairs: readonly Pair[]) => Statistics,
  { replicates, seed }: Required<AlignedOptions>,
): Readonly<Record<string, Interval>> {
  const stream = randomStream(seed, 'aligned pairs');
  const drawn = Array.from({ length: replicates }, () =>
    statistics(pairs.map(() => pairs[stream.integer(pairs.length)]!)),
  );
  return Object.fromEntries(
    Object.entries(statistics(pairs)).map(([name, mean]) => {
      // A resample may lack a label, and then has no area.
      const values = drawn.map((one) => one[name]!).filter((value) => !Number.isNaN(value));
      const bound = (q: number): number | null => (values.length > 0 ? quantile(values, q) : null);
      return [name, { mean, low: bound(0.025), high: bound(0.975) }];
    }),
  );
}

function agreeing(
  pairs: readonly Pair[],
  options: Required<AlignedOptions>,
): Pick<AlignedEvaluation['agreeing'], 'rows' | 'differences'> {
  if (pairs.length === 0) return { rows: [], differences: [] };
  const others = WAYS.filter((way) => way !== 'answer');
  const found = resampled(
    pairs,
    (drawn) => {
      const truth = drawn.map(({ text }) => text);
      const own = Object.fromEntries(
        WAYS.flatMap((way) => [
          [`accuracy ${way}`, shareOf(drawn, way, 'text')],
          [
            `auc ${way}`,
            meanAreaUnderRoc(
              drawn.map(({ says }) => says[way]),
              truth,
            ),
          ],
        ]),
      ) as Record<string, number>;
      const differences = others.flatMap((way) =>
        ['accuracy', 'auc'].map((kind) => [
          `${kind} to ${way}`,
          own[`${kind} answer`]! - own[`${kind} ${way}`]!,
        ]),
      );
      return { ...own, ...Object.fromEntries(differences) };
    },
    options,
  );
  return {
    rows: WAYS.map((name) => ({
      name,
      accuracy: found[`accuracy ${name}`]!,
      auc: found[`auc ${name}`]!,
      meanRecall: meanRecallOf(pairs, name),
      logLikelihood: meanOf(pairs.map((pair) => logOf(pair.says[name][pair.text]!))),
    })),
    differences: others.map((to) => ({
      to,
      accuracy: found[`accuracy to ${to}`]!,
      auc: found[`auc to ${to}`]!,
    })),
  };
}

function eitherRows(pairs: readonly Pair[], options: Required<AlignedOptions>): EitherRow[] {
  if (pairs.length === 0) return [];
  const found = resampled(
    pairs,
    (drawn) =>
      Object.fromEntries(
        WAYS.flatMap((way) => [
          [`text ${way}`, shareOf(drawn, way, 'text')],
          [`image ${way}`, shareOf(drawn, way, 'image')],
          [`log ${way}`, meanOf(drawn.map((pair) => eitherLog(pair, way)))],
        ]),
      ) as Statistics,
    options,
  );
  return WAYS.map((name) => ({
    name,
    textAccuracy: found[`text ${name}`]!,
    imageAccuracy: found[`image ${name}`]!,
    logLikelihood: found[`log ${name}`]!,
  }));
}

/** The group with the highest probability, the first of equals. */
const topOf = (posterior: readonly number[]): number => posterior.indexOf(Math.max(...posterior));

const shareOf = (pairs: readonly Pair[], way: AlignedWay, side: 'text' | 'image'): number =>
  pairs.filter((pair) => topOf(pair.says[way]) === pair[side]).length / pairs.length;

function meanRecallOf(pairs: readonly Pair[], way: AlignedWay): number {
  const labels = [...new Set(pairs.map(({ text }) => text))];
  return meanOf(
    labels.map((label) =>
      shareOf(
        pairs.filter(({ text }) => text === label),
        way,
        'text',
      ),
    ),
  );
}

/** Probabilities below this count as this, so that one sure mistake does not decide a mean. */
const LEAST = 1e-6;
const logOf = (probability: number): number => Math.log(Math.max(probability, LEAST));

const eitherLog = ({ says, text, image }: Pair, way: AlignedWay): number =>
  (logOf(says[way][text]!) + logOf(says[way][image]!)) / 2;
