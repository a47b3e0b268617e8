// The bundled model's head compared with others: cost, accuracy with a corrupted or missing side, dependence on
// interactions, and the gate over seeds.
import { MienError } from 'mien-engine/base';
import type { TextTable } from 'mien/parts/cli';
import { meanOf } from 'mien/parts/evaluate';
import { type ComparedHeadFile, type ComparisonFile, headTitle } from '../comparison-file.js';
import { lineAt, type Panel, panelOf } from '../figures/figure.js';
import { color, labelAxis } from '../figures/theme.js';
import { pairingNote, share } from '../tables.js';
import { type Block, commandNote, formatInterval, formatP, formatPoints, type Section } from './section.js';

const right = { align: 'right' } as const;

/** Names of the heads other than the gate, as they appear within a sentence. */
const IN_A_SENTENCE: Readonly<Record<string, string>> = {
  concatenation: 'concatenation',
  tensor: 'tensor fusion',
  'low-rank': 'low-rank tensor fusion',
  'cross-attention': 'cross-attention between tokens and regions',
  transformer: 'a small transformer over both',
};

/** The compared heads other than the gate, as an enumeration. */
const listed = (heads: ComparisonFile['heads']): string =>
  new Intl.ListFormat('en-GB').format(heads.flatMap(({ head }) => IN_A_SENTENCE[head] ?? []));

/** The first situation, that of clean pairs. */
function cleanOf({ head, situations: [clean] }: ComparedHeadFile): ComparedHeadFile['situations'][number] {
  if (clean === undefined) throw new MienError('format', `the head "${head}" has no situations`);
  return clean;
}

export function headsSection(file: ComparisonFile): Section {
  const { heads, pairs, seeds, command } = file;
  const gated = heads.find((head) => cleanOf(head).gates.length > 0);
  return {
    id: 'heads',
    title: 'Other heads',
    blocks: [
      {
        text: `The paper’s gate beside ${listed(heads)}, under one protocol and one tuning budget, on the bundled model’s kind of encoders and training pairs. ${inWords(file)}`,
      },
      { table: accuracies(file) },
      {
        figure: {
          id: 'heads',
          title: 'Heads beside the gate',
          caption: `Score on ${pairs.validation.toLocaleString('en-US')} validation pairs: a third each clean pairs, the mean of the corruptions, the mean of a missing side. Lines: 95% intervals over ${seeds} seeds, writers and faces together.`,
          notes: [pairingNote],
          panels: [headScorePanel('heads-score', '', heads)],
        },
      },
      { table: costs(file) },
      { table: bySituation(heads) },
      ...(gated
        ? [
            { text: gateInWords(gated) },
            {
              figure: {
                id: 'gate-situations',
                title: 'The gate by what is wrong with a side',
                caption:
                  'Mean of the gate over all pairs (the face’s share), one point per seed; the line is the mean on clean pairs. Only its changes can be interpreted: one half does not mean equal weight.',
                panels: [gateBySituationPanel('gate-situations', '', gated)],
              },
            },
          ]
        : []),
      commandNote(
        'These numbers need the data sets; only these means are stored. docs/heads.md describes the heads and the protocol. Made by',
        command.replaceAll(' --', ' \\\n  --'),
      ),
    ] satisfies Block[],
  };
}

function inWords({ heads, chosen }: ComparisonFile): string {
  const others = heads.filter(({ head, difference }) => head !== 'product' && difference !== null);
  const verdict =
    chosen === 'gated'
      ? 'No head is better than the gate by more than chance on validation, which was the rule for another default; the gate stays.'
      : `The best on validation is ${headTitle(chosen)}, by more than chance.`;
  const added = others
    .concat(heads.filter(({ head }) => head === 'gated'))
    .flatMap(({ head, additive }) => (additive ? [{ head, ...additive.interaction }] : []));
  const needing = added.filter(({ low }) => low !== null && low > 0);
  const interaction =
    added.length === 0
      ? ''
      : needing.length === 0
        ? ' Of no head is the accuracy above that of its nearest additive model by more than chance: none makes use of seeing both sides at once.'
        : ` Above its nearest additive model by more than chance is the accuracy of ${needing.map((one) => `${headTitle(one.head)} (${formatPoints(one)} points)`).join(', ')}: ` +
          'heads trained on pairs some of which are corrupted weight each side depending on the other, which no sum can.' +
          productInWords(heads);
  return verdict + interaction;
}

/** Accuracy of an additive model that was trained as such, not fitted to a head. */
function productInWords(heads: readonly ComparedHeadFile[]): string {
  const product = heads.find(({ head }) => head === 'product');
  return product === undefined
    ? ''
    : ` This does not mean that the pairs need it: the product of posteriors, a sum of logarithms, has an accuracy of ${share(cleanOf(product).accuracy.mean)} on clean pairs.`;
}

const accuracies = ({ heads, pairs, seeds }: ComparisonFile): TextTable => ({
  id: 'heads',
  title: 'Accuracy of heads',
  columns: [
    { header: 'Head' },
    { header: 'Validation, clean', ...right },
    { header: 'Score', ...right },
    { header: 'Less the gate’s, points', ...right },
    { header: 'p (Holm)', ...right },
    { header: 'Test, clean', ...right },
  ],
  groups: [
    {
      rows: heads.map((one) => [
        headTitle(one.head),
        formatInterval(cleanOf(one).accuracy),
        formatInterval(one.score),
        one.difference ? formatPoints(one.difference) : '–',
        one.difference && one.head !== 'product' ? formatP(one.difference.pValue) : '–',
        formatInterval(one.test),
      ]),
    },
  ],
  notes: [
    `${pairs.validation.toLocaleString('en-US')} validation and ${pairs.test.toLocaleString('en-US')} test pairs, ${seeds} seeds; intervals of 95% over seeds, writers and faces together. Nothing was chosen on the test pairs. The product of posteriors is not trained and not a candidate.`,
    pairingNote,
  ],
});

const costs = ({ heads }: ComparisonFile): TextTable => ({
  id: 'heads-costs',
  title: 'Cost of heads, and how much of their accuracy needs both sides at once',
  columns: [
    { header: 'Head' },
    { header: 'Parameters', ...right },
    { header: 'Seconds an epoch', ...right },
    { header: 'Epochs', ...right },
    { header: 'Additive (EMAP)', ...right },
    { header: 'Above it, points', ...right },
  ],
  groups: [
    {
      rows: heads
        .filter(({ rate }) => rate !== null)
        .map(({ head, parameters, secondsAnEpoch, epochs, additive }) => [
          headTitle(head),
          parameters.toLocaleString('en-US'),
          secondsAnEpoch.toFixed(1),
          epochs.toFixed(0),
          additive ? formatInterval(additive.accuracy) : '–',
          additive ? formatPoints(additive.interaction) : '–',
        ]),
    },
  ],
  notes: [
    'Seconds are processor time of one thread. Additive: the accuracy of the head’s nearest model of the form a(text) + b(face), on the clean validation pairs.',
    pairingNote,
  ],
});

const bySituation = (heads: readonly ComparedHeadFile[]): TextTable => ({
  id: 'heads-situations',
  title: 'Accuracy on validation pairs by situation',
  columns: [{ header: 'Pairs' }, ...heads.map(({ head }) => ({ header: headTitle(head), ...right }))],
  groups: [
    {
      rows: heads[0]!.situations.map(({ name }, s) => [
        name,
        ...heads.map(({ situations }) => share(situations[s]!.accuracy.mean)),
      ]),
    },
  ],
  notes: [pairingNote],
});

/** Whether each seed's gate turns away from the corrupted side. */
function gateInWords(head: ComparedHeadFile): string {
  const clean = cleanOf(head);
  const corrupted = head.situations.filter(({ kind }) => kind === 'corrupted');
  const turned = corrupted.filter(({ of, gates }) =>
    gates.every((gate, seed) => {
      const before = clean.gates[seed] ?? NaN;
      return of === 'text' ? gate > before : gate < before;
    }),
  );
  const span = (gates: readonly number[]): string =>
    `${share(Math.min(...gates))} to ${share(Math.max(...gates))}`;
  const worst = (of: 'text' | 'face', pick: (...values: number[]) => number): string => {
    const matching = corrupted.filter((one) => one.of === of);
    const end = pick(...matching.map(({ gates }) => meanOf(gates)));
    return span(matching.find(({ gates }) => meanOf(gates) === end)!.gates);
  };
  return (
    `Over the seeds the gate’s mean on clean pairs is ${span(clean.gates)}. ` +
    (turned.length === corrupted.length
      ? `In every one of the ${corrupted.length} corruptions, with every seed, it turns to the intact side`
      : `In ${turned.length} of the ${corrupted.length} corruptions every seed’s gate turns to the intact side`) +
    `: at most to ${worst('text', Math.max)} where the text is bad and to ${worst('face', Math.min)} where the face is.`
  );
}

const names = { ...labelAxis, labelLimit: 200 } as const;

/** The score of each head, with the gate's as a reference line. */
function headScorePanel(id: string, name: string, heads: readonly ComparedHeadFile[]): Panel {
  const rows = heads.map(({ head, score }) => ({
    head: headTitle(head),
    score: score.mean,
    low: score.low,
    high: score.high,
  }));
  const gate = heads.find(({ head }) => head === 'gated');
  return panelOf(id, name, rows, {
    width: 330,
    height: { step: 22 },
    encoding: { y: { field: 'head', type: 'nominal', sort: null, axis: { ...names, grid: true } } },
    layer: [
      ...(gate ? [lineAt('gate', gate.score.mean)] : []),
      {
        transform: [{ filter: 'datum.low !== null' }],
        mark: { type: 'rule', strokeWidth: 1.6, color: color('accent') },
        encoding: {
          x: {
            field: 'low',
            type: 'quantitative',
            scale: { zero: false, nice: true, padding: 8 },
            axis: { title: 'score on validation pairs', format: '.2f', tickCount: 6 },
          },
          x2: { field: 'high' },
        },
      },
      {
        mark: { type: 'point', filled: true, size: 60, color: color('accent'), opacity: 1 },
        encoding: { x: { field: 'score', type: 'quantitative' } },
      },
    ],
  });
}

/** The mean gate in each situation, with one point per seed; the line is the mean on clean pairs. */
function gateBySituationPanel(id: string, name: string, head: ComparedHeadFile): Panel {
  const rows = head.situations.flatMap(({ name: pairs, gates }) =>
    gates.map((gate, seed) => ({ pairs, seed: `seed ${seed}`, gate })),
  );
  return panelOf(id, name, rows, {
    width: 330,
    height: { step: 22 },
    encoding: { y: { field: 'pairs', type: 'nominal', sort: null, axis: { ...names, grid: true } } },
    layer: [
      lineAt('mean', meanOf(cleanOf(head).gates)),
      {
        mark: { type: 'point', size: 55, strokeWidth: 1.6, color: color('accent'), opacity: 1 },
        encoding: {
          x: {
            field: 'gate',
            type: 'quantitative',
            scale: { zero: false, nice: true },
            axis: { title: 'mean gate (0: text alone, 1: face alone)', format: '.2f', tickCount: 6 },
          },
          shape: { field: 'seed', type: 'nominal', legend: { title: null } },
        },
      },
    ],
  });
}
