// Label by label: precision, recall and F1, and what is taken for what, with items to look at.
import { labelScoresPanel } from '../figures/comparison.js';
import { escapeXml, type Panel } from '../figures/figure.js';
import { confusedPairs, labelScores, type ConfusedPair, type WrongItem } from '../statistics/errors.js';
import { modelTitles, pairingNote } from '../tables.js';
import type { RowGroup } from 'mien/parts';
import { mappedRow } from './paper-figures.js';
import { panelId, panelTitle, share, type ReportContext, type Section } from './section.js';

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
            'Means over seeds (and pairings). Where precision and recall lie apart, a label is given too rarely or too often.',
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
            : ' Texts and faces are shown where the data sets are at hand: <code>mien report --data DIR</code>.'
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
