// Whether fusion is better than two separate models: intervals, paired tests, additive projections, and the control with
// mismatched pairs.
import { differencePanel, interactionPanel } from '../figures/comparison.js';
import type { Panel } from '../figures/figure.js';
import {
  adjustComparisons,
  pairedStatistics,
  type PairedModel,
  type PairedStatistics,
} from '../statistics/paired.js';
import { modelTitles, pairingNote, share } from '../tables.js';
import type { RowGroup, TextTable } from 'mien/parts/cli';
import {
  formatInterval,
  formatP,
  formatPoints,
  missingAnalyses,
  panelId,
  panelTitle,
  points,
  type Block,
  type NamedSystem,
  type ReportContext,
  type Section,
} from './section.js';

interface Measured {
  readonly system: NamedSystem;
  readonly all: readonly PairedStatistics[];
}

export async function fusionSection(context: ReportContext): Promise<Section> {
  const measured: Measured[] = [];
  for (const system of context.systems) {
    const found: PairedStatistics[] = [];
    for (const ids of system.ids.pairs) {
      const one = await pairedStatistics(system, ids);
      if (one) found.push(one);
    }
    if (found.length > 0) measured.push({ system, all: adjustComparisons(found) });
  }
  const lacks = measured.some(({ all }) =>
    all.some(({ models }) => !models.some(({ additive }) => additive)),
  );
  const panels = (name: string, make: (id: string, title: string, one: PairedStatistics) => Panel): Panel[] =>
    measured.map(({ system, all: [main] }) =>
      make(panelId(name, system), panelTitle(main!.dataset, system, context), main!),
    );
  return {
    id: 'fusion',
    title: 'What fusion adds',
    blocks: [
      {
        text:
          'What label-matched pairing implies. The face of each pair was drawn by the text’s label alone. ' +
          'Given the label, text and face are therefore independent: a face says nothing about its text beyond the label. ' +
          'By Bayes’ rule the posterior of such a pair is the product of the two modalities’ posteriors, divided by ' +
          'the label prior; no fusion of the same evidence can be expected to beat the product of calibrated posteriors. ' +
          'A gain over one modality is what two independent views of one label must give, not evidence of an interaction ' +
          'between words and face, of which there is none. The figures below show this.',
      },
      ...measured.map(({ system, all }): Block => ({ text: inWords(system, all[0]!, context) })),
      ...(lacks ? [{ text: missingAnalyses }] : []),
      {
        figure: {
          id: 'interaction',
          title: 'Fused accuracy, with and without interaction',
          caption:
            'Filled circles: accuracy on the first test pairing. Open diamonds: the head’s nearest model of the form ' +
            'a(text) + b(face), which cannot relate the two (EMAP); if it is as accurate, the head does not use interactions. ' +
            'The product of posteriors has that form already. Crosses: the same texts with a ' +
            'face of another label, scored by the text’s label. Lines: 95% intervals over seeds, subjects and faces.',
          notes: [pairingNote],
          panels: panels('interaction', (id, title, { models }) => interactionPanel(id, title, models)),
        },
      },
      {
        figure: {
          id: 'differences',
          title: 'Gated fusion against the others',
          caption:
            'Accuracy of gated fusion minus that of each other model on the same pairs, in percentage points, with paired ' +
            '95% intervals over seeds, subjects and faces. Right of the dashed line the gate is better.',
          notes: [pairingNote],
          panels: panels('differences', (id, title, { comparisons }) =>
            differencePanel(id, title, comparisons),
          ),
        },
      },
      { table: accuracyTable(measured, context) },
      { table: comparisonTable(measured, context) },
    ],
  };
}

/** A summary of one system's main pairs. */
function inWords(
  system: NamedSystem,
  { models, comparisons, dataset }: PairedStatistics,
  context: ReportContext,
): string {
  const of = (wanted: PairedModel['model']) => models.find(({ model }) => model === wanted);
  const [gated, text, face] = [of('gated')!, of('text'), of('face')];
  const product = comparisons.find(({ other }) => other === 'product');
  const { mismatched } = gated;
  return [
    `${panelTitle(dataset, system, context)}: the gate reaches ${formatInterval(gated.accuracy)}` +
      (text && face
        ? `, text alone ${share(text.accuracy.mean)} and the image alone ${share(face.accuracy.mean)} on the same pairs.`
        : '.'),
    product
      ? `Against the product of posteriors it differs by ${formatPoints(product.difference)} points (p = ${formatP(product.adjusted)} after Holm).`
      : '',
    additiveInWords(gated, text, product),
    mismatched
      ? `With a face of another label, the gate names the text’s label in ${share(mismatched.text)} of the pairs and the face’s in ${share(mismatched.face)}: where the face does not know the text’s label, it misleads.`
      : '',
    pairingNote,
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

/** The part of the gate’s gain that does not depend on interaction, on the first pairing. */
function additiveInWords(
  { first, additive }: PairedModel,
  text: PairedModel | undefined,
  product: PairedStatistics['comparisons'][number] | undefined,
): string {
  if (!additive || !text) return '';
  const { projection, difference } = additive;
  const lost = difference.low !== null && difference.low > 0;
  const better = product !== undefined && product.adjusted < 0.05 && product.difference.mean > 0;
  return (
    `On the first pairing the gate gains ${points(first.mean - text.first.mean)} points over text alone; its additive projection, ` +
    `which cannot relate text and face, keeps ${points(projection.mean - text.first.mean)} of them and lies ${formatPoints(difference)} points below the gate. ` +
    (!lost
      ? 'No use of an interaction is shown.'
      : better || product === undefined
        ? 'So this head does not simply add up.'
        : 'So this head does not simply add up; but the product of posteriors does, and the difference between the two is not significant: no gain by an interaction is shown.')
  );
}

const headingOf = (
  system: NamedSystem,
  { dataset, n, pairings, seeds, subjects }: PairedStatistics,
  context: ReportContext,
): string =>
  `${panelTitle(dataset, system, context)}: ${n.toLocaleString('en-US')} pairs × ${pairings} pairings, ${seeds} seeds` +
  (subjects === null ? ', subjects unknown' : `, ${subjects} subjects`);

function accuracyTable(measured: readonly Measured[], context: ReportContext): TextTable {
  const groups = measured.flatMap(({ system, all }) =>
    all.map((one): RowGroup => ({
      heading: headingOf(system, one, context),
      rows: one.models.map(({ model, accuracy, additive, mismatched }) => [
        modelTitles[model],
        formatInterval(accuracy),
        additive ? formatInterval(additive.projection) : model === 'product' ? 'additive as it is' : '–',
        additive ? formatPoints(additive.difference) : '–',
        mismatched ? `${share(mismatched.text)} / ${share(mismatched.face)}` : '–',
      ]),
    })),
  );
  return {
    id: 'fusion',
    title: 'Accuracy on label-matched pairs, with and without interaction',
    columns: [
      { header: 'Model' },
      { header: 'Accuracy (95% interval)', align: 'right' },
      { header: 'Additive projection', align: 'right' },
      { header: 'Interaction, points', align: 'right' },
      { header: 'Mismatched: text’s / face’s label', align: 'right' },
    ],
    groups,
    notes: [
      'Intervals: bootstrap over model seeds, subjects of ISEAR (texts, where subjects are unknown) and faces, all resampled together; they cover other trainings and other test items. Accuracy: all pairings. Additive projection and interaction, the model minus its projection, paired: first pairing. The logits that a projection averages are mostly of pairs whose labels differ, which no head was trained on: what it loses is how a head adds up, and no proof that an interaction was there to be found.',
      pairingNote,
    ],
  };
}

function comparisonTable(measured: readonly Measured[], context: ReportContext): TextTable {
  return {
    id: 'comparisons',
    title: 'Gated fusion against the others, paired',
    columns: [
      { header: 'Gate against' },
      { header: 'Difference, points (95%)', align: 'right' },
      { header: 'p', align: 'right' },
      { header: 'p, Holm', align: 'right' },
      { header: 'McNemar', align: 'right' },
      { header: 'Only gate / only other right', align: 'right' },
    ],
    groups: measured.flatMap(({ system, all }) =>
      all.map((one): RowGroup => ({
        heading: headingOf(system, one, context),
        rows: one.comparisons.map(({ other, difference, pValue, adjusted, mcnemar }) => [
          modelTitles[other],
          formatPoints(difference),
          formatP(pValue),
          formatP(adjusted),
          formatP(mcnemar.pValue),
          `${mcnemar.firstOnly} / ${mcnemar.secondOnly}`,
        ]),
      })),
    ),
    notes: [
      'p: two-sided, from the same bootstrap (2,000 resamples, so that none is below .001). Holm: adjusted for all comparisons on the same features. McNemar: exact, for the first seed’s models on the first pairing alone; it ignores other trainings, and that a subject wrote several texts.',
      pairingNote,
    ],
  };
}
