// Scores of a text encoder on validation items of several corpora, each over the labels it can give.
import { confusionMatrix, scoreOf } from 'mien/parts/evaluate';
import type { CorpusPart, LabelledItems } from './evidence.js';

export interface CorpusScore {
  readonly items: number;
  /** Share of items whose most likely label, of those the corpus can give, is one of theirs. */
  readonly accuracy: number;
  /** Macro F1 over the labels that occur; an item with several labels counts as the predicted one, or else its first. */
  readonly f1: number;
}

const canGive = (evidence: ArrayLike<number>): number[] =>
  Array.from(evidence).flatMap((known, label) => (known === 1 ? [label] : []));

/** By corpus, in order; undefined for a corpus without items. Logits are `[n, classes]`. */
export function corpusScores(
  logits: ArrayLike<number>,
  items: LabelledItems,
  corpora: readonly Pick<CorpusPart, 'evidence'>[],
  bias?: ArrayLike<number>,
): (CorpusScore | undefined)[] {
  const predicted = corpora.map(() => ({ truth: [] as number[], found: [] as number[] }));
  items.labels.forEach((own, i) => {
    const corpus = items.corpus[i]!;
    const { evidence } = corpora[corpus]!;
    const at = (label: number): number => logits[i * evidence.length + label]! + (bias?.[label] ?? 0);
    const best = canGive(evidence).reduce((a, b) => (at(b) > at(a) ? b : a));
    predicted[corpus]!.found.push(best);
    predicted[corpus]!.truth.push(own.includes(best) ? best : own[0]!);
  });
  return predicted.map(({ truth, found }, corpus) => {
    if (truth.length === 0) return undefined;
    const counts = confusionMatrix(truth, found, corpora[corpus]!.evidence.length);
    const { accuracy, perLabel } = scoreOf(counts);
    const met = perLabel.filter(({ support }) => support > 0);
    return { items: truth.length, accuracy, f1: met.reduce((sum, { f1 }) => sum + f1, 0) / met.length };
  });
}

/** Mean negative log-likelihood of the items, in nats; corpora count as in `fitBias`. */
function corpusLoss(
  logits: ArrayLike<number>,
  { labels, corpus }: LabelledItems,
  corpora: readonly CorpusPart[],
  temperature: number,
): number {
  const classes = corpora[0]!.evidence.length;
  const allowed = corpora.map(({ evidence }) => canGive(evidence));
  const losses = corpora.map(() => ({ sum: 0, items: 0 }));
  labels.forEach((own, i) => {
    const part = corpus[i]!;
    const of = (label: number): number => logits[i * classes + label]! / temperature;
    const max = Math.max(...allowed[part]!.map(of));
    const log = max + Math.log(allowed[part]!.reduce((sum, label) => sum + Math.exp(of(label) - max), 0));
    losses[part]!.sum += own.reduce((sum, label) => sum + (log - of(label)) / own.length, 0);
    losses[part]!.items++;
  });
  return losses.reduce(
    (sum, one, part) => sum + (one.items > 0 ? (corpora[part]!.score * one.sum) / one.items : 0),
    0,
  );
}

/** How often the interval of the temperature's logarithm is narrowed. */
const HALVINGS = 20;

/** The temperature at which the items are most likely, each corpus judged on the labels it can give. */
export function fitCorpusTemperature(
  logits: ArrayLike<number>,
  items: LabelledItems,
  corpora: readonly CorpusPart[],
): number {
  // The loss has one minimum: of two points inside the interval, the worse becomes its new bound.
  let [low, high] = [Math.log(0.25), Math.log(4)];
  for (let i = 0; i < HALVINGS; i++) {
    const [a, b] = [low + (high - low) / 3, high - (high - low) / 3];
    const loss = (at: number): number => corpusLoss(logits, items, corpora, Math.exp(at));
    if (loss(a) < loss(b)) high = b;
    else low = a;
  }
  return Math.exp((low + high) / 2);
}

/** Newton steps of `fitBias`; with nine labels it converges after about twenty. */
const STEPS = 100;

/**
 * The bias of the logits, `[classes]`, under which the items are most likely, each corpus over the labels it can give and
 * weighted by its score regardless of its size. Adjusted logits assume equally frequent labels: the bias restores a prior.
 * The problem is convex; each step is a damped Newton step, label by label.
 */
export function fitBias(
  logits: ArrayLike<number>,
  { labels, corpus }: LabelledItems,
  corpora: readonly CorpusPart[],
): Float32Array {
  const classes = corpora[0]!.evidence.length;
  const sizes = corpora.map(() => 0);
  labels.forEach((_, i) => sizes[corpus[i]!]!++);
  const allowed = corpora.map(({ evidence }) => canGive(evidence));
  const bias = new Float64Array(classes);
  const p = new Float64Array(classes);
  for (let step = 0; step < STEPS; step++) {
    const first = new Float64Array(classes);
    const second = new Float64Array(classes);
    labels.forEach((own, i) => {
      const part = corpus[i]!;
      const weight = corpora[part]!.score / sizes[part]!;
      if (weight === 0) return;
      let max = -Infinity;
      for (const label of allowed[part]!) {
        p[label] = logits[i * classes + label]! + bias[label]!;
        max = Math.max(max, p[label]!);
      }
      let sum = 0;
      for (const label of allowed[part]!) sum += p[label] = Math.exp(p[label]! - max);
      for (const label of allowed[part]!) {
        const q = p[label]! / sum;
        first[label]! += weight * ((own.includes(label) ? 1 / own.length : 0) - q);
        second[label]! += weight * q * (1 - q);
      }
    });
    for (let label = 0; label < classes; label++)
      if (second[label]! > 0)
        bias[label]! += Math.max(-1, Math.min(1, (0.5 * first[label]!) / second[label]!));
  }
  return Float32Array.from(bias);
}
