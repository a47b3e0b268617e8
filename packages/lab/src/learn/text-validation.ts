// Scores of a text encoder on validation items of several corpora, each over the labels it can give.
import { itemsAt } from 'mien-engine/base';
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

/** For each item, the part of its corpus. */
const partsOfItems = <Part>({ corpus }: LabelledItems, parts: readonly Part[]): Part[] =>
  itemsAt(parts, Array.from(corpus));

/** By corpus, in order; undefined for a corpus without items. Logits are `[n, classes]`. */
export function corpusScores(
  logits: ArrayLike<number>,
  items: LabelledItems,
  corpora: readonly Pick<CorpusPart, 'evidence'>[],
  bias?: ArrayLike<number>,
): (CorpusScore | undefined)[] {
  const parts = corpora.map(({ evidence }) => ({
    classes: evidence.length,
    allowed: canGive(evidence),
    truth: [] as number[],
    found: [] as number[],
  }));
  for (const [i, { classes, allowed, truth, found }] of partsOfItems(items, parts).entries()) {
    const at = (label: number): number => logits[i * classes + label]! + (bias?.[label] ?? 0);
    const best = allowed.reduce((a, b) => (at(b) > at(a) ? b : a));
    const own = items.labels[i]!;
    found.push(best);
    truth.push(own.includes(best) ? best : own[0]!);
  }
  return parts.map(({ classes, truth, found }) => {
    if (truth.length === 0) return undefined;
    const counts = confusionMatrix(truth, found, classes);
    const { accuracy, perLabel } = scoreOf(counts);
    const met = perLabel.filter(({ support }) => support > 0);
    return { items: truth.length, accuracy, f1: met.reduce((sum, { f1 }) => sum + f1, 0) / met.length };
  });
}

/** Mean negative log-likelihood of the items, in nats; corpora count as in `fitBias`. */
function corpusLoss(
  logits: ArrayLike<number>,
  items: LabelledItems,
  corpora: readonly CorpusPart[],
  temperature: number,
): number {
  const parts = corpora.map(({ evidence, score }) => ({
    classes: evidence.length,
    allowed: canGive(evidence),
    score,
    sum: 0,
    items: 0,
  }));
  for (const [i, part] of partsOfItems(items, parts).entries()) {
    const { classes, allowed } = part;
    const own = items.labels[i]!;
    const of = (label: number): number => logits[i * classes + label]! / temperature;
    const max = Math.max(...allowed.map(of));
    const log = max + Math.log(allowed.reduce((sum, label) => sum + Math.exp(of(label) - max), 0));
    part.sum += own.reduce((sum, label) => sum + (log - of(label)) / own.length, 0);
    part.items++;
  }
  return parts.reduce((total, { score, sum, items }) => total + (items > 0 ? (score * sum) / items : 0), 0);
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
  items: LabelledItems,
  corpora: readonly CorpusPart[],
): Float32Array {
  const parts = corpora.map(({ evidence, score }, corpus) => ({
    classes: evidence.length,
    allowed: canGive(evidence),
    weight: score / Array.from(items.corpus).filter((other) => other === corpus).length,
  }));
  const partOf = partsOfItems(items, parts);
  const classes = Math.max(...parts.map((part) => part.classes));
  const bias = new Float64Array(classes);
  const p = new Float64Array(classes);
  for (let step = 0; step < STEPS; step++) {
    const first = new Float64Array(classes);
    const second = new Float64Array(classes);
    for (const [i, { allowed, weight }] of partOf.entries()) {
      if (weight === 0) continue;
      const own = items.labels[i]!;
      let max = -Infinity;
      for (const label of allowed) {
        p[label] = logits[i * classes + label]! + bias[label]!;
        max = Math.max(max, p[label]!);
      }
      let sum = 0;
      for (const label of allowed) sum += p[label] = Math.exp(p[label]! - max);
      for (const label of allowed) {
        const q = p[label]! / sum;
        first[label]! += weight * ((own.includes(label) ? 1 / own.length : 0) - q);
        second[label]! += weight * q * (1 - q);
      }
    }
    for (let label = 0; label < classes; label++)
      if (second[label]! > 0)
        bias[label]! += Math.max(-1, Math.min(1, (0.5 * first[label]!) / second[label]!));
  }
  return Float32Array.from(bias);
}
