// Results by label: precision, recall, F1, and the most frequent confusions with examples.
import type { RowGroup } from 'mien/parts/cli';
import { argmax, confusionMatrix, type LabelScore, scoreOf } from 'mien/parts/evaluate';
import type { RowPredictions } from '../../experiments/results.js';
import { confusionCounts } from '../figures/confusion.js';
import { labelScoresPanel } from '../figures/comparison.js';
import { escapeXml, type Panel } from '../figures/figure.js';
import { modelTitles, pairingNote, share } from '../tables.js';
import { mappedRow } from './paper-figures.js';
import { panelId, panelTitle, type ReportContext, type Section } from './section.js';

const KINDS = ['text', 'face', 'fused'] as const;

export async function labelsSection(context: ReportContext): Promise<Section> {
  const panels: Panel[] = [];
  const groups: RowGroup[] = [];
  const confused: string[] = [];
  for (const system of context.systems)
    for (const kind of KINDS) {
      const id = mappedRow(system, kind);
      const row = system.row(id);
      const predictions = await system.predictions(id);
      if (!row || !predictions) continue;
      const title = panelTitle(`${modelTitles[row.model]}, ${row.dataset}`, system, context);
      const scores = labelScores(predictions);
      panels.push(labelScoresPanel(panelId(`labels-${kind}`, system), title, row.labels, scores));
      groups.push({
        heading: title,
        rows: scores.map(({ precision, recall, f1, support }, k) => [
          row.labels[k]!,
          share(precision),
          share(recall),
          share(f1),
          Math.round(support).toLocaleString('en-US'),
        ]),
      });
      confused.push(await confusedList(title, confusedPairs(predictions), kind === 'face', context));
    }
  const right = { align: 'right' } as const;
  return {
    id: 'labels',
    title: 'Label by label',
    blocks: [
      {
        figure: {
          id: 'labels',
          title: 'Precision, recall and F1 of each label',
          caption:
            'Means over seeds (and pairings). If precision and recall differ, a label is predicted too rarely or too often.',
          notes: [pairingNote],
          panels,
        },
      },
      {
        table: {
          id: 'labels',
          title: 'Scores of each label',
          columns: [
            { header: 'Label' },
            { header: 'Precision', ...right },
            { header: 'Recall', ...right },
            { header: 'F1', ...right },
            { header: 'Items', ...right },
          ],
          groups,
          notes: [pairingNote],
        },
      },
      {
        html: `<h3>Most confused labels</h3><p>Shares are of the true label’s items, over all seeds (and pairings). Under each, the items that are taken for the other label most surely, with the mean probability it gets.${
          context.data
            ? ''
            : ' Texts and faces are shown if the data sets are available: <code>mien report --data DIR</code>.'
        }</p>`,
      },
      { html: `<div class="lists">${confused.join('')}</div>` },
    ],
  };
}

async function confusedList(
  title: string,
  pairs: readonly ConfusedPair[],
  faces: boolean,
  { data }: ReportContext,
): Promise<string> {
  const item = async ({ id, face, confidence }: WrongItem): Promise<string> => {
    const text = faces ? undefined : data?.text(id);
    const image = await data?.face(faces ? id : (face ?? ''));
    return (
      `<li>${image === undefined ? '' : `<img src="${image}" alt="" width="48" height="48">`}` +
      `<span>${text === undefined ? '' : `<q>${escapeXml(text)}</q> `}<code>${escapeXml(face === null ? id : `${id} × ${face}`)}</code> ${share(confidence)}</span></li>`
    );
  };
  const entries = await Promise.all(
    pairs.map(
      async ({ label, predicted, share: part, items, examples }) =>
        `<li><strong>${escapeXml(label)} → ${escapeXml(predicted)}</strong> ${share(part)} (${items.toFixed(0)} items a run)<ul>${(await Promise.all(examples.map(item))).join('')}</ul></li>`,
    ),
  );
  return `<div><h4>${escapeXml(title)}</h4><ol class="confused">${entries.join('')}</ol></div>`;
}

/** Precision, recall and F1 of each label, as means over runs; `support` is that of one run. */
function labelScores({ labels, runs }: RowPredictions): LabelScore[] {
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

interface WrongItem {
  readonly id: string;
  readonly face: string | null;
  /** Mean posterior of the predicted label, over the runs with this item. */
  readonly confidence: number;
}

interface ConfusedPair {
  readonly label: string;
  readonly predicted: string;
  /** Share of the label's items, over all runs. */
  readonly share: number;
  /** Items per run. */
  readonly items: number;
  readonly examples: readonly WrongItem[];
}

/** The most frequent confusions by share, each with the items misclassified with the highest confidence. */
function confusedPairs(predictions: RowPredictions, most = 5, examples = 3): ConfusedPair[] {
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

/** Items (for pairs, those of the first pairing) with their mean posterior over seeds. */
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
