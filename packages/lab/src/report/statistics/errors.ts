// Which labels a model gets right, which it takes for which, and the items it is most wrong about.
import { argmax, confusionMatrix, type LabelScore, scoreOf } from 'mien/parts';
import type { RowPredictions } from '../../experiments/results.js';

/** Confusion counts summed over all runs. */
export function confusionCounts({ labels, runs }: RowPredictions): number[][] {
  const counts = labels.map(() => labels.map(() => 0));
  for (const { truth, posteriors } of runs)
    confusionMatrix(truth, argmax(posteriors), labels.length).forEach((line, t) =>
      line.forEach((count, p) => (counts[t]![p]! += count)),
    );
  return counts;
}

/** Precision, recall and F1 of each label, means over runs; `support` is that of one run. */
export function labelScores({ labels, runs }: RowPredictions): LabelScore[] {
  const all = runs.map(
    ({ truth, posteriors }) => scoreOf(confusionMatrix(truth, argmax(posteriors), labels.length)).perLabel,
  );
  const mean = (of: (score: LabelScore) => number, k: number): number =>
    all.reduce((sum, scores) => sum + of(scores[k]!), 0) / all.length;
  return labels.map((_label, k) => ({
    precision: mean(({ precision }) => precision, k),
    recall: mean(({ recall }) => recall, k),
    f1: mean(({ f1 }) => f1, k),
    support: mean(({ support }) => support, k),
  }));
}

export interface WrongItem {
  readonly id: string;
  readonly face: string | null;
  /** Mean posterior of the label it is taken for, over the runs that judge it. */
  readonly confidence: number;
}

export interface ConfusedPair {
  readonly label: string;
  readonly predicted: string;
  /** Share of the label's items, over all runs. */
  readonly share: number;
  /** Items a run. */
  readonly items: number;
  readonly examples: readonly WrongItem[];
}

/** The most frequent confusions by share, each with the items taken for it most surely. */
export function confusedPairs(predictions: RowPredictions, most = 5, examples = 3): ConfusedPair[] {
  const { labels, runs } = predictions;
  const counts = confusionCounts(predictions);
  const judged = itemPosteriors(predictions);
  return counts
    .flatMap((line, t) => {
      const total = line.reduce((sum, count) => sum + count, 0);
      return line.flatMap((count, p) =>
        t === p || count === 0 ? [] : [{ t, p, count, share: count / total }],
      );
    })
    .sort((a, b) => b.share - a.share)
    .slice(0, most)
    .map(({ t, p, count, share }) => ({
      label: labels[t]!,
      predicted: labels[p]!,
      share,
      items: count / runs.length,
      examples: judged
        .filter(({ truth, posterior }) => truth === t && posterior.indexOf(Math.max(...posterior)) === p)
        .sort((a, b) => b.posterior[p]! - a.posterior[p]!)
        .slice(0, examples)
        .map(({ id, face, posterior }) => ({ id, face, confidence: posterior[p]! })),
    }));
}

/** Items (of pairs: the first pairing's) with their mean posterior over seeds. */
function itemPosteriors({ runs }: RowPredictions) {
  const first = runs[0]!;
  const same = runs.filter(({ pairing }) => pairing === first.pairing);
  const { classes } = first.posteriors;
  return first.ids.map((id, i) => ({
    id,
    face: first.faceIds?.[i] ?? null,
    truth: first.truth[i]!,
    posterior: Array.from(
      { length: classes },
      (_, k) => same.reduce((sum, run) => sum + run.posteriors.data[i * classes + k]!, 0) / same.length,
    ),
  }));
}
