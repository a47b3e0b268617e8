// `mien data`: shows the content of the data sets, what is dropped and why, duplicates across splits, and terms of use.
import { InvalidArgumentError, Option, type Command } from 'commander';
import { defined, MienError } from 'mien-engine/base';
import { type Output, outputOf, progressOf } from 'mien/cli';
import type { OpenedDataSets } from '../../data/open.js';
import type { CorpusCounts } from '../../data/corpora/prepare.js';
import type { SpeechCounts } from '../../data/speech.js';
import type { TextTable } from 'mien/parts/cli';
import type { CountTable, Protocol, SetCounts } from 'mien/parts/data';

interface Options {
  readonly isear?: string;
  readonly fer2013?: string;
  readonly rafdb?: string;
  readonly split: 'clean' | 'paper';
  readonly seed: number;
  readonly skipInvalid?: boolean;
}

const SETS = ['isear', 'fer2013', 'rafdb'] as const;
const NAMES = { isear: 'ISEAR', fer2013: 'FER2013', rafdb: 'RAF-DB' } as const;

/** Maximum number of skipped items printed; `--json` lists all. */
const SKIPPED_SHOWN = 20;

const seedOf = (text: string): number => {
  const seed = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(seed) || seed < 0)
    throw new InvalidArgumentError('Expected a non-negative integer.');
  return seed;
};

export function defineData(program: Command): void {
  program
    .command('data')
    .description('show the content of the data sets, what is dropped and why, and duplicates across splits')
    .argument(
      '[dir]',
      'folder with isear/, fer2013/ and rafdb/, or some of them, and corpora of texts and speech',
    )
    .option('--isear <path>', 'ISEAR, a file in any of its forms or a folder')
    .option('--fer2013 <path>', 'FER2013, a folder, fer2013.csv or icml_face_data.csv')
    .option('--rafdb <path>', 'RAF-DB, the folder of DATASET/ or of Image/ and EmoLabel/')
    .addOption(
      new Option('--split <kind>', 'cleaned and disjoint, or the plain random split of the paper')
        .choices(['clean', 'paper'])
        .default('clean'),
    )
    .option('--seed <n>', 'seed of the splits', seedOf, 0)
    .option('--skip-invalid', 'skip invalid rows and files and list them')
    .option('--json', 'print everything as JSON')
    .action((dir: string | undefined, options: Options, command: Command) =>
      run(dir, options, outputOf(command)),
    );
}

async function run(dir: string | undefined, options: Options, output: Output): Promise<void> {
  const paths = Object.fromEntries(
    SETS.flatMap((set) => (options[set] === undefined ? [] : [[set, options[set]]])),
  );
  if (dir === undefined && Object.keys(paths).length === 0)
    throw new MienError('usage', 'no data given', {
      hint: 'Use mien data DIR, or --isear, --fer2013 and --rafdb, each with a path.',
    });
  const [
    { openDataSets },
    { prepare },
    { termsOf },
    { loadCorpora },
    { corpusCounts, prepareCorpora },
    { corpusTerms },
    { loadAllSpeech, speechCounts },
    { SPEECH_CORPORA },
  ] = await Promise.all([
    import('../../data/open.js'),
    import('../../data/prepare.js'),
    import('../../features/sets.js'),
    import('../../data/corpora/read.js'),
    import('../../data/corpora/prepare.js'),
    import('../../data/corpora/definitions.js'),
    import('../../data/speech.js'),
    import('../../data/speech-names.js'),
  ]);
  const skipInvalid = options.skipInvalid === true;
  const progress = await progressOf(output);
  const corpora = dir === undefined ? [] : await loadCorpora(dir, { skipInvalid });
  const speech = dir === undefined ? [] : await loadAllSpeech(dir, { skipInvalid });
  const optional = corpora.length > 0 || speech.length > 0;
  const sets = await openDataSets(dir, { paths, skipInvalid, optional });
  const { protocol } = await prepare(sets, {
    split: options.split,
    seed: options.seed,
    skipInvalid,
    progress,
  });
  for (const warning of protocol.warnings) output.warn(warning);
  const present = SETS.flatMap((set) => {
    const loaded = sets[set];
    const counts = protocol.counts[set];
    return loaded === undefined || counts === undefined
      ? []
      : [{ set, path: loaded.path, form: loaded.form, counts, terms: termsOf(set) }];
  });
  const textsOf = (split: string) =>
    protocol.texts.filter((item) => item.split === split).map(({ text }) => text);
  const counted = prepareCorpora(corpora, {
    tests: textsOf('test'),
    validation: textsOf('validation'),
    training: textsOf('train'),
  }).map(corpusCounts);
  const { settings, faceDuplicates, warnings } = protocol;
  const skipped = [...protocol.skipped, ...[...corpora, ...speech].flatMap((one) => one.skipped)];
  const heard = speech.map((corpus) => speechCounts(corpus, options.seed));
  const value = {
    settings,
    sets: Object.fromEntries(present.map(({ set, ...rest }) => [set, rest])),
    missing: sets.missing,
    ...defined({
      corpora: counted.length > 0 ? counted : undefined,
      speech: heard.length > 0 ? heard : undefined,
      faceDuplicates,
    }),
    skipped,
    warnings,
  };
  const { renderText } = await import('mien/parts/cli');
  const layout = { width: output.width, strong: output.colors.bold };
  output.result(value, () =>
    [
      ...present.map(({ set, path, form, counts, terms }) =>
        renderText(countTable(`${NAMES[set]}: ${path} (${form})`, counts, terms), layout),
      ),
      ...(counted.length > 0
        ? [renderText(corporaTable(counted, corpusTerms(counted.map(({ name }) => name))), layout)]
        : []),
      ...(heard.length > 0
        ? [
            renderText(
              speechTable(
                heard,
                heard.map(({ name }) => SPEECH_CORPORA[name]),
              ),
              layout,
            ),
          ]
        : []),
      ...repeatLines(protocol),
      ...skippedLines(skipped),
      ...missingLines(sets),
      `Split: ${settings.split}, seed ${settings.seed}; validation is ${100 * settings.validationFraction}% of training.`,
    ].join('\n\n'),
  );
}

const number = (value: number): string => value.toLocaleString('en-US');

/** Labels by split, with the reasons for dropping items as notes. */
function countTable(title: string, { splits, dropped }: SetCounts, terms: string): TextTable {
  const labels = Object.keys(splits['train'] ?? {});
  const sum = (tables: CountTable, chosen: readonly string[]): number =>
    Object.values(tables).reduce(
      (total, byLabel) => total + chosen.reduce((part, label) => part + (byLabel[label] ?? 0), 0),
      0,
    );
  const row = (name: string, chosen: readonly string[]): string[] => {
    const kept = Object.entries(splits).map(([split, byLabel]) => sum({ [split]: byLabel }, chosen));
    const gone = sum(dropped, chosen);
    return [name, ...[...kept, gone, sum(splits, chosen) + gone].map(number)];
  };
  return {
    title,
    columns: [
      { header: 'label' },
      ...[...Object.keys(splits), 'dropped', 'all'].map((header) => ({ header, align: 'right' as const })),
    ],
    groups: [{ rows: [...labels.map((label) => row(label, [label])), row('all', labels)] }],
    notes: [
      ...Object.entries(dropped).map(
        ([reason, byLabel]) => `Dropped, ${reason}: ${number(sum({ [reason]: byLabel }, labels))}`,
      ),
      `Terms: ${terms}`,
    ],
  };
}

/** Duplicates and near-duplicates, between published parts and within sets. */
function repeatLines({ faceDuplicates, settings }: Protocol): string[] {
  if (faceDuplicates === undefined) return [];
  const { groups, images, largestGroup, disagreeing, copies, mirroredPairs, repeats } = faceDuplicates;
  const lines = repeats.map(
    ({ from, to, copies: same, near }) =>
      `  ${from}: ${number(same)} copies and ${number(near)} near-duplicates in ${to}`,
  );
  const copied = Object.entries(copies).map(
    ([set, count]) => `${number(count)} of ${NAMES[set as 'fer2013' | 'rafdb']}`,
  );
  return [
    [
      `Faces that repeat, as published${settings.split === 'paper' ? ' (the paper split keeps them)' : ''}:`,
      ...(lines.length === 0 ? ['  none across splits'] : lines),
      `  Images identical to an earlier one: ${copied.join(', ')}`,
      `  ${number(groups)} groups of ${number(images)} (near-)duplicates, the largest of ${largestGroup}; ` +
        `${number(disagreeing)} groups disagree on the label; ${number(mirroredPairs)} pairs are mirrored`,
    ].join('\n'),
  ];
}

/** One row per corpus, with the reasons for leaving items out as notes. */
function corporaTable(corpora: readonly CorpusCounts[], terms: readonly string[]): TextTable {
  const reasons = new Map<string, number>();
  for (const { dropped } of corpora)
    for (const [reason, count] of Object.entries(dropped))
      reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  return {
    title: 'Corpora of texts',
    columns: [
      { header: 'corpus' },
      ...['train', 'validation', 'test', 'dropped', 'no label'].map((header) => ({
        header,
        align: 'right' as const,
      })),
      { header: 'can give' },
    ],
    groups: [
      {
        rows: corpora.map(({ name, items, dropped, unlabelled, evidence }) => [
          name,
          ...[items.train, items.validation, items.test].map(number),
          number(Object.values(dropped).reduce((sum, count) => sum + count, 0)),
          number(unlabelled),
          evidence.join(', '),
        ]),
      },
    ],
    notes: [
      ...[...reasons].map(([reason, count]) => `Dropped, ${reason}: ${number(count)}`),
      ...terms.map((one) => `Terms: ${one}`),
    ],
  };
}

/** A row a corpus of speech; labels are columns, why clips are left out is a note. */
function speechTable(
  corpora: readonly SpeechCounts[],
  definitions: readonly { readonly title: string; readonly terms: string }[],
): TextTable {
  const labels = [...new Set(corpora.flatMap((corpus) => Object.keys(corpus.labels)))].sort();
  const right = (header: string) => ({ header, align: 'right' as const });
  return {
    title: 'Corpora of speech (split by speaker)',
    columns: [{ header: 'corpus' }, ...['speakers', 'train', 'validation', 'test', ...labels].map(right)],
    groups: [
      {
        rows: corpora.map(({ speakers, splits, labels: counts }, i) => [
          definitions[i]!.title,
          ...[speakers, splits.train, splits.validation, splits.test].map(number),
          ...labels.map((label) => number(counts[label] ?? 0)),
        ]),
      },
    ],
    notes: [
      ...corpora.flatMap(({ dropped }, i) =>
        Object.entries(dropped).map(
          ([reason, count]) => `Dropped of ${definitions[i]!.title}, ${reason}: ${number(count)}`,
        ),
      ),
      ...definitions.map(({ terms }) => `Terms: ${terms}`),
    ],
  };
}

function skippedLines(skipped: Protocol['skipped']): string[] {
  if (skipped.length === 0) return [];
  const shown = skipped.slice(0, SKIPPED_SHOWN).map(({ file, row, reason }) => {
    const place = row === undefined ? file : `${file}, row ${row}`;
    return `  ${place}: ${reason}`;
  });
  const more = skipped.length - shown.length;
  const rest = more > 0 ? [`  … and ${number(more)} more (--json lists all)`] : [];
  return [[`Skipped: ${number(skipped.length)}`, ...shown, ...rest].join('\n')];
}

const missingLines = ({ missing }: OpenedDataSets): string[] =>
  missing.length === 0 ? [] : [`Not found: ${missing.map((set) => NAMES[set]).join(', ')}`];
