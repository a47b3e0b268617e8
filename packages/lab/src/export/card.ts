// The model card of a bundle, as Markdown: every number in it comes from the evaluation beside it.
import { MienError } from 'mien-engine/base';
import { corpusTitle } from '../data/corpora/definitions.js';
import type { CorpusCounts } from '../data/corpora/prepare.js';
import { peopleConclusions, peopleSheets } from '../data/people.js';
import { type BundleManifest, fusedIn, modalitiesOf, partOf } from 'mien/parts/bundle';
import type { SetCounts } from 'mien/parts/data';
import type { TestResult } from 'mien/parts/evaluate';
import { type Modalities, modalities } from 'mien/parts/modalities';
import { alignedSection } from './aligned-tests.js';
import type { BundleEvaluation } from './evaluation.js';
import { certaintySection } from './certainty-tests.js';
import { corruptionSection } from './corruption-card.js';
import { groupSection } from './groups.js';
import { share, table, withInterval } from './markdown.js';
import {
  detailedVoiceTests,
  VOICE_DATA,
  VOICE_LIMITS,
  VOICE_PURPOSE,
  voiceDataSection,
  voiceSection,
} from './voice-card.js';

export interface CardFacts {
  readonly manifest: Omit<BundleManifest, 'files'>;
  readonly evaluation: BundleEvaluation;
  /** The same tests through float32 weights. */
  readonly reference: BundleEvaluation;
  readonly passages: CardPassages;
}

/** What a card says of data and training, which its evaluation does not hold. */
export interface CardPassages {
  /** The section on fairness; empty if nothing is known of the sets. */
  readonly fairness: string;
  readonly data: string;
  /** One line for each part. */
  readonly training: readonly string[];
  readonly limits: readonly string[];
}

export interface CardSources {
  readonly counts: Readonly<Partial<Record<'isear' | 'fer2013' | 'rafdb', SetCounts>>>;
  /** Further corpora of texts. */
  readonly corpora?: readonly CorpusCounts[];
  /** Where training began and how it was set, by modality. */
  readonly training: Readonly<Record<string, string>>;
}

const HEADINGS = {
  fairness: '## What cannot be known about fairness',
  data: '## Data',
  training: '## Training',
  limits: '## Limits',
} as const;
const CHOSEN =
  'Temperatures were fitted on validation. Test items chose nothing: finished models alone met them.';

/** The passages of a card that is written for the first time. */
export function passagesOf({ counts, corpora = [], training }: CardSources): CardPassages {
  return {
    fairness: peopleSection(counts),
    data: [
      dataTable(counts, corpora),
      `Test splits: ${corpora.length > 0 ? 'further corpora of texts as published; ' : ''}FER2013’s PublicTest and PrivateTest and RAF-DB’s test part as published; of ISEAR’s texts a fifth, whose writers are in no other part. Repeated texts, and training faces that (nearly) repeat one of a test part, are dropped; a tenth of training, of other writers and other duplicate groups, selects and calibrates.`,
    ].join('\n\n'),
    training: Object.entries(training).map(([name, how]) => `${name}: ${how}`),
    limits: [corpora.length > 0 ? WIDE : ISEAR_ALONE, ...FACE_LIMITS],
  };
}

/**
 * The passages of a card that `modelCard` wrote, without those of a voice.
 * @throws MienError `bundle` if it lacks one.
 */
export function passagesIn(card: string, file: string): CardPassages {
  const section = (heading: string): string | undefined =>
    card.split(`\n${heading}\n`)[1]?.split('\n## ')[0]!.trim();
  const needed = (heading: string): string => {
    const found = section(heading);
    if (found === undefined)
      throw new MienError('bundle', `has a card without the section "${heading.slice(3)}"`, {
        file,
        hint: 'Export the bundle with this version of mien.',
      });
    return found;
  };
  const linesIn = (heading: string): string[] =>
    needed(heading)
      .split('\n')
      .flatMap((line) => (line.startsWith('- ') ? line.slice(2) : []));
  return {
    fairness: section(HEADINGS.fairness) ?? '',
    data: needed(HEADINGS.data).split(VOICE_DATA)[0]!.trim(),
    training: linesIn(HEADINGS.training).filter((line) => !line.startsWith('voice: ')),
    limits: linesIn(HEADINGS.limits).filter((line) => !VOICE_LIMITS.includes(line)),
  };
}

const MATCHED =
  'These pairs are label-matched: each test text is given a test face of the same label. In the rows “alone” the other modality is missing: the answer is then that of the text’s or the face’s own classifier, among the labels of the pairs. An accuracy on pairs presupposes the label; it is that of two views that are independent given the label, not accuracy on people in the world.';

/** The whole card. */
export function modelCard(facts: CardFacts): string {
  const { manifest, evaluation, reference, passages } = facts;
  const { fairness, data, training, limits } = passages;
  const { voice } = evaluation;
  const list = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');
  return [
    `# ${manifest.name}`,
    bundleReads(manifest),
    WHERE,
    '## What it is for, and what not',
    voice ? `${PURPOSE} ${VOICE_PURPOSE}` : PURPOSE,
    '## May I use this commercially?',
    `The code yes (Apache-2.0). The weights no: they were trained on data that is for research, and bear its terms.\n\n${list(manifest.terms)}\n\nTrain on data of your own to be free of them: \`mien train --data FILE\` makes a bundle of the same kind.`,
    '## Accuracy',
    ...summary(evaluation, reference),
    `Intervals are Wilson’s over test items at 95 %${voice ? ', except of voices' : ''}; they do not cover the spread of training anew. “float32” is the same model before its weights were made small.`,
    robustnessTable(evaluation),
    ...corruptionSection(evaluation, manifest),
    ...certaintySection(evaluation.certainty),
    ...groupSection(evaluation.groups),
    ...behaviourSection(evaluation.behaviour),
    ...(fairness === '' ? [] : [HEADINGS.fairness, fairness]),
    HEADINGS.data,
    data,
    ...(voice ? voiceDataSection(voice.data) : []),
    HEADINGS.training,
    list(training),
    CHOSEN,
    HEADINGS.limits,
    list([...limits, ...(voice ? VOICE_LIMITS : [])]),
    '## Every test by label',
    ...[...evaluation.tests, ...(voice ? detailedVoiceTests(voice) : [])].map(details),
    '',
  ].join('\n\n');
}

/** What the bundle reads, and with which files. */
export function bundleReads(manifest: CardFacts['manifest'], all: Modalities = modalities): string {
  const { fusion, decision } = manifest;
  const present = modalitiesOf(manifest);
  const models = present.map((modality) => {
    const { model, labels } = partOf(manifest, modality);
    return `\`${model}\` reads ${all[modality]!.drawn.read} (${labels.join(', ')})`;
  });
  const fused = fusedIn(manifest);
  const what = fused.length === 2 ? 'both' : fused.map((one) => all[one]!.drawn.plural).join(', ');
  const of = present.length > 2 && fused.length === 2 ? fused.join(' and ') : what;
  if (fusion) models.push(`\`${decision}\` fuses ${of} (${fusion.labels.join(', ')})`);
  const from = present.map((modality) => all[modality]!.drawn.from);
  const several = [[], [], ['or both'], ['or several of them']][Math.min(3, present.length)]!;
  return `Emotion from ${[...from, ...several].join(', ')}. ${models.join('; ')}. Logits divided by the temperature in \`manifest.json\` give posteriors by a softmax.`;
}

const WHERE =
  'What was measured stands in `evaluation.json` beside this card; `mien report --bundle` with this folder draws it, in the sections _The bundled model_, _When one side is bad_, _When the model may refuse to answer_ and _For whom it works, and what cannot be known_ (mien’s docs/report.md says where each figure is).';

const PURPOSE =
  'For research and for trying out what such models can and cannot do: the emotion that a sentence tells of, and the expression that a face shows. An expression is not a feeling: nothing here says what a person feels, intends or is. Not for decisions about people, in hiring, schooling, policing, medicine or insurance, where emotion recognition is prohibited or restricted by law in many places.';

const ISEAR_ALONE =
  'Texts are ISEAR’s: students in 37 countries, asked in the 1990s to tell of a situation in which they felt a given emotion, in English or translated to it. Chat, news, irony and other languages are not in it, nor is a text of no emotion.';
const WIDE =
  'Texts are comments and posts of the web, film subtitles and ISEAR’s reports, in English: labels are what readers saw in them (ISEAR’s: what its writers were asked for), one sentence at a time and without what was said before. Irony is mostly missed. Guilt and shame are known from ISEAR and a few comments only.';

const FACE_LIMITS = [
  'Faces are of the web: FER2013’s are grey, 48 pixels wide, found by searching for emotion words; about a tenth of its labels are disputed (people agree with them in some 65 of 100 cases). RAF-DB’s are labelled by some forty people each. Both hold posed and acted expressions, few old people and small children, more light than dark skin, and more of joy than of disgust and fear.',
  'What is right in FER2013’s labels may be wrong for a careful reader, so that part of the errors are the labels’.',
];

const isPaired = ({ name }: TestResult): boolean => name.includes(' × ');
/** Of faces alone: the tests that a face set's name begins. */
const isOfFaces = (test: TestResult): boolean => !isPaired(test) && /^(FER2013|RAF-DB)/.test(test.name);
const isOfTexts = (test: TestResult): boolean => !isPaired(test) && !isOfFaces(test);

/** The tests by use: one's own words, photographs, both together, and last the paper's pairs. */
function summary(evaluation: BundleEvaluation, reference: BundleEvaluation): string[] {
  const { tests, aligned } = evaluation;
  const part = (title: string, of: (test: TestResult) => boolean, ...notes: string[]): string[] => {
    const some = tests.filter(of);
    return some.length > 0 ? [title, testTable(some, reference), ...notes] : [];
  };
  return [
    ...part('### Words', isOfTexts, RESTRICTED),
    ...part('### Faces', isOfFaces),
    ...alignedSection(aligned),
    ...part('### Words and face, from label-matched pairs', isPaired, MATCHED),
    ...voiceSection(evaluation.voice, reference.voice),
  ];
}

const RESTRICTED =
  'Each corpus by the test items that bear one of the labels that it has, answered among these labels.';

function testTable(tests: readonly TestResult[], reference: BundleEvaluation): string {
  const rows = tests.map((test) => {
    const float = reference.tests.find(({ name }) => name === test.name);
    return [
      test.name,
      String(test.labels.length),
      String(test.n),
      withInterval(test.accuracy),
      share(test.meanRecall),
      share(test.f1),
      share(test.calibrationError),
      float ? share(float.accuracy.mean) : '–',
    ];
  });
  return table(
    ['test', 'labels', 'items', 'accuracy', 'mean recall', 'macro F1', 'calibration error', 'float32'],
    rows,
  );
}

function robustnessTable({ robustness, tests }: BundleEvaluation): string {
  if (robustness.length === 0) return '';
  const names = [...new Set(robustness.map(({ name }) => name))];
  const kinds = [...new Set(robustness.map(({ as }) => as))];
  const accuracy = (name: string, as: string): number =>
    robustness.find((one) => one.name === name && one.as === as)!.accuracy;
  return `${table(
    ['faces', 'as published', ...kinds],
    names.map((name) => [
      name,
      share(tests.find((test) => test.name === name)!.accuracy.mean),
      ...kinds.map((as) => share(accuracy(name, as))),
    ]),
  )}\n\nCropped anew: each face once, at a scale of .8 to 1.25 and shifted by up to a tenth of its side.`;
}

/** How texts are answered that test one capability each. */
function behaviourSection(results: BundleEvaluation['behaviour'] = []): string[] {
  if (results.length === 0) return [];
  return [
    '## Behaviour',
    'Short sentences that nothing was trained or chosen on (`models/behaviour.csv`), each with the labels that pass and those that are plainly wrong; between these lie misses. In the manner of Ribeiro et al. 2020.',
    table(
      ['capability', 'items', 'passed', 'plainly wrong'],
      results.map(({ capability, items, passed, rejected }) => [
        capability,
        String(items),
        share(passed / items),
        share(rejected / items),
      ]),
    ),
  ];
}

/** What cannot be known about fairness, of the sets that the bundle was made of. */
function peopleSection(counts: CardSources['counts']): string {
  const sheets = peopleSheets.filter(({ key }) => counts[key]);
  if (sheets.length === 0) return '';
  return [
    sheets
      .map(
        ({ set, says, silent, follows }) =>
          `- **${set}.** _It says:_ ${says} _It does not say:_ ${silent} _So:_ ${follows}`,
      )
      .join('\n'),
    `${peopleConclusions.join(' ')} Measure it on texts and faces of the people you mean to read: \`mien evaluate --group\`.`,
  ].join('\n\n');
}

function dataTable(counts: CardSources['counts'], corpora: readonly CorpusCounts[]): string {
  const titles = { isear: 'ISEAR', fer2013: 'FER2013', rafdb: 'RAF-DB' } as const;
  const total = (labels: Readonly<Record<string, number>> = {}): string =>
    String(Object.values(labels).reduce((sum, count) => sum + count, 0));
  const names = (Object.keys(titles) as (keyof typeof titles)[]).filter((name) => counts[name]);
  const rows = names.map((name) => {
    const { splits, dropped, total: all } = counts[name]!;
    const lost = Object.values(dropped).reduce((sum, labels) => sum + Number(total(labels)), 0);
    return [
      titles[name],
      String(all),
      ...['train', 'validation', 'test'].map((s) => total(splits[s])),
      String(lost),
    ];
  });
  const further = corpora.map(({ name, items: { train, validation, test }, dropped }) => {
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    return [
      corpusTitle(name),
      ...[train + validation + test + lost, train, validation, test, lost].map(String),
    ];
  });
  return table(
    ['set', 'items', 'training', 'validation', 'test', 'dropped'],
    [...rows.slice(0, 1), ...further, ...rows.slice(1)],
  );
}

function details({ name, labels, perLabel, confusion }: TestResult): string {
  const rows = perLabel.map(({ precision, recall, f1, support }, i) => [
    labels[i]!,
    ...[precision, recall, f1].map(share),
    String(support),
    ...confusion[i]!.map(String),
  ]);
  const head = ['true label', 'precision', 'recall', 'F1', 'items', ...labels.map((label) => `as ${label}`)];
  return `### ${name}\n\n${table(head, rows)}`;
}
