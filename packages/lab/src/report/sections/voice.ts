// A voice beside text and face: the three-way table and its intervals, what the voice alone confuses, how the gate shares
// itself out, and triples whose voice was made worse.
import { MODALITIES, type Modality } from 'mien/parts/bundle';
import type { TripleKind } from '../../experiments/triple-parts.js';
import type { Degree } from '../../features/corrupted.js';
import { type AccuracyPoint, accuraciesPanel } from '../figures/comparison.js';
import { confusionCounts, confusionPanel } from '../figures/confusion.js';
import type { Panel } from '../figures/figure.js';
import { sharesPanel } from '../figures/shares.js';
import type { ReportedRow } from '../results.js';
import { degreeName, incompleteVariant, reportTables, share, tripleNote } from '../tables.js';
import {
  type Block,
  type NamedSystem,
  panelId,
  panelTitle,
  points,
  type ReportContext,
  type Section,
} from './section.js';

/** Whether any results have triples. */
export const hasTriples = ({ systems }: ReportContext): boolean => systems.some(isOfTriples);

const isOfTriples = (system: NamedSystem): boolean => tripleRow(system, 'gated', MODALITIES) !== undefined;

export async function voiceSection(context: ReportContext): Promise<Section> {
  const systems = context.systems.filter(isOfTriples);
  const each = (of: (system: NamedSystem) => Panel | undefined): Panel[] =>
    systems.flatMap((system) => of(system) ?? []);
  const confusions: Panel[] = [];
  for (const system of systems) confusions.push(...(await confusionsOf(system, context)));
  const worse = each((system) => corruptedPanel(system, context));
  return {
    id: 'voice',
    title: 'Three at once: with a voice',
    blocks: [
      { text: [...systems.map(inWords), tripleNote].join(' ') },
      {
        figure: {
          id: 'triples',
          title: 'Accuracy by what is read',
          caption:
            'Each modality alone, every two and all three, with 95% intervals over model seeds and pairings; the four speakers are ' +
            'the same in all of them. Alone, a modality has a head of its own.',
          notes: [tripleNote],
          panels: each((system) => triplesPanel(system, context)),
        },
      },
      ...tables(context, /^Three at once \(/),
      {
        figure: {
          id: 'confusion-voice',
          title: 'What the voice alone confuses',
          caption:
            'A row is a true label, and says which share of its clips was given each label, over all model seeds and pairings.',
          notes: [VOICES],
          panels: confusions,
        },
      },
      {
        figure: {
          id: 'shares',
          title: 'How the gate shares itself out',
          caption:
            'Mean shares of text, face and voice over dimensions, triples and runs. The scales of the projections are free: a larger ' +
            'share is not more weight; only differences between rows can be interpreted.',
          notes: [tripleNote],
          panels: each((system) => gatePanel(system, context)),
        },
      },
      ...(worse.length === 0
        ? [{ text: 'These results have no triples with a voice that was made worse.' }]
        : [
            { text: systems.flatMap((system) => worseInWords(system, context)).join(' ') },
            {
              figure: {
                id: 'bad-voice',
                title: 'With a bad voice',
                caption:
                  'The same triples with the voice in background noise (its share of the amplitude: at .5 it is as loud as the speech) ' +
                  'and over a telephone. The heads have been trained on clean voices only. “Left out” is text and face alone.',
                notes: [tripleNote],
                panels: worse,
              },
            },
            ...tables(context, /^Three at once, with a bad voice/),
          ]),
    ],
  };
}

const VOICES =
  'Acted speech of RAVDESS: two sentences, by four speakers whom training has not heard. It does not show how voices of other ' +
  'people, or what they say by themselves, would be recognised.';

const tables = ({ folders }: ReportContext, title: RegExp): Block[] =>
  folders.flatMap(({ name, results }, f) =>
    reportTables({ rows: results.rows, costs: [] })
      .filter((table) => title.test(table.title ?? ''))
      .map((table) => ({
        table:
          folders.length > 1
            ? { ...table, id: `${table.id}-${f + 1}`, title: `${table.title ?? ''} (${name})` }
            : table,
      })),
  );

/** A row on triples over the labels of the paper's pairs, clean or with a bad voice. */
const tripleRow = (
  { ids, row }: NamedSystem,
  kind: TripleKind,
  modalities: readonly Modality[],
  worse?: Degree,
): ReportedRow | undefined => row(ids.triple(kind, modalities, worse));

/** How voices were made worse in any results. */
function degreesOf({ folders }: ReportContext): Degree[] {
  const found = folders.flatMap(({ results }) => results.rows.flatMap(({ corrupted }) => corrupted ?? []));
  const byName = new Map(found.map(({ as, level }) => [degreeName({ as, level }), { as, level }]));
  return [...byName.values()];
}

const KINDS: Readonly<Record<TripleKind, string>> = {
  alone: 'a head of its own',
  gated: 'gate',
  product: 'product of posteriors',
  incomplete: `gate ${incompleteVariant}`,
};
const kinds = Object.keys(KINDS) as TripleKind[];
/** Colours and shapes are the same in all figures. */
const order = (names: Readonly<Record<TripleKind, string>>): string[] => kinds.map((kind) => names[kind]);

const CHOICES: readonly (readonly Modality[])[] = [
  ...MODALITIES.map((one) => [one]),
  ...MODALITIES.flatMap((one, m) => MODALITIES.slice(m + 1).map((other) => [one, other])),
  MODALITIES,
];

const titleOf = (modalities: readonly Modality[]): string =>
  modalities.length === MODALITIES.length ? 'all three' : modalities.join(' + ');

/** A line of a figure: its name, and its row for each way to answer. */
interface TripleLine {
  readonly name: string;
  readonly of: (kind: TripleKind) => ReturnType<typeof tripleRow>;
}

function triplesPanel(system: NamedSystem, context: ReportContext): Panel {
  const lines = CHOICES.map((choice): TripleLine => ({
    name: titleOf(choice),
    of: (kind) => tripleRow(system, kind, choice),
  }));
  return linesPanel('triples', lines, KINDS, system, context);
}

/** A point for each line and each way to answer, where there is a row of both. */
function linesPanel(
  name: string,
  lines: readonly TripleLine[],
  series: Readonly<Record<TripleKind, string>>,
  system: NamedSystem,
  context: ReportContext,
): Panel {
  const values = lines.flatMap((line) =>
    kinds.flatMap((kind): AccuracyPoint[] => {
      const row = line.of(kind);
      return row ? [{ row: line.name, series: series[kind], accuracy: row.accuracy }] : [];
    }),
  );
  return accuraciesPanel(panelId(name, system), panelTitle('', system, context), 'by', values, order(series));
}

async function confusionsOf(system: NamedSystem, context: ReportContext): Promise<Panel[]> {
  const panels: Panel[] = [];
  for (const id of [system.ids.triple('alone', ['voice']), system.ids.sevenTriple('alone', ['voice'])]) {
    const predictions = await system.predictions(id);
    if (predictions === undefined) continue;
    const { length } = predictions.labels;
    panels.push(
      confusionPanel(
        panelId(`confusion-voice-${length}`, system),
        panelTitle(`${length} labels`, system, context),
        predictions.labels,
        confusionCounts(predictions),
        predictions.runs.length,
      ),
    );
  }
  return panels;
}

function gatePanel(system: NamedSystem, context: ReportContext): Panel | undefined {
  const several = CHOICES.filter(({ length }) => length > 1);
  const gates = [
    ...several.map((choice) => ({ name: titleOf(choice), row: tripleRow(system, 'gated', choice) })),
    ...degreesOf(context).map((degree) => ({
      name: `all three, ${degreeName(degree)}`,
      row: tripleRow(system, 'gated', MODALITIES, degree),
    })),
  ];
  const rows = gates.flatMap(({ name, row }) => (row?.gate ? [{ row: name, shares: row.gate }] : []));
  return rows.length === 0
    ? undefined
    : sharesPanel(panelId('shares', system), panelTitle('', system, context), MODALITIES, rows);
}

function corruptedPanel(system: NamedSystem, context: ReportContext): Panel | undefined {
  const worse = corruptedLines(system, context);
  if (worse.length === 0) return undefined;
  const clean = { name: 'as recorded', of: (kind: TripleKind) => tripleRow(system, kind, readBy(kind)) };
  const without = {
    name: 'left out',
    of: (kind: TripleKind) => (kind === 'alone' ? undefined : tripleRow(system, kind, ['text', 'face'])),
  };
  return linesPanel('bad-voice', [clean, ...worse, without], NAMES, system, context);
}

/** What is read of a triple whose voice is bad. */
const readBy = (kind: TripleKind): readonly Modality[] => (kind === 'alone' ? ['voice'] : MODALITIES);

/** By degree, the rows of a system on triples with a bad voice; empty if it has none. */
const corruptedLines = (system: NamedSystem, context: ReportContext) =>
  degreesOf(context).flatMap((degree) => {
    const of = (kind: TripleKind) => tripleRow(system, kind, readBy(kind), degree);
    return of('gated') ? [{ name: degreeName(degree), of }] : [];
  });

const NAMES = { ...KINDS, alone: 'voice alone' };

/** What the voice adds, of one system. */
function inWords(system: NamedSystem): string {
  const [voice, two, three, product] = [
    tripleRow(system, 'alone', ['voice']),
    tripleRow(system, 'gated', ['text', 'face']),
    tripleRow(system, 'gated', MODALITIES),
    tripleRow(system, 'product', MODALITIES),
  ].map((row) => share(row?.accuracy.mean ?? NaN)) as [string, string, string, string];
  const n = tripleRow(system, 'gated', MODALITIES)!.n.toLocaleString('en-US');
  return (
    `On ${system.title}, a voice alone reaches an accuracy of ${voice} on the voices of ${n} label-matched triples, gated fusion ` +
    `of text and face ${two}, of all three ${three}, and the product of posteriors of all three ${product}.`
  );
}

/** What a bad voice costs, of one system: each head at the worst degree, and against text and face alone. */
function worseInWords(system: NamedSystem, context: ReportContext): string[] {
  const lines = corruptedLines(system, context);
  if (lines.length === 0) return [];
  const [gated, incomplete, product] = (['gated', 'incomplete', 'product'] as const).map((kind) => {
    const without = tripleRow(system, kind, ['text', 'face'])!.accuracy.mean;
    const losses = lines.map(({ name, of }) => ({ name, loss: without - of(kind)!.accuracy.mean }));
    const behind = losses.filter(({ loss }) => loss > 0);
    const worst = losses.reduce((most, one) => (one.loss > most.loss ? one : most));
    return (
      `${DEFINITE[kind]} is less accurate than on text and face alone at ${behind.length} of ${lines.length} degrees` +
      (behind.length === 0 ? '' : ` (at most by ${points(worst.loss)} points, ${worst.name})`)
    );
  });
  const shareOf = (row: ReportedRow | undefined): number => row?.gate?.voice ?? NaN;
  const shares = lines.map(({ of }) => shareOf(of('gated')));
  return [
    `On ${system.title} with a bad voice, ${gated}; ${incomplete}; and ${product}.`,
    `The gate gives the voice a share of ${share(shareOf(tripleRow(system, 'gated', MODALITIES)))} as recorded, and of ` +
      `${share(Math.min(...shares))} to ${share(Math.max(...shares))} where it is bad.`,
  ];
}

const DEFINITE = {
  alone: 'the voice',
  gated: 'the gate',
  product: 'the product of posteriors',
  incomplete: `the gate ${incompleteVariant}`,
} as const satisfies Record<TripleKind, string>;
