// The model card of a bundle, as Markdown: every number in it comes from the evaluation beside it.
import { type BundleManifest, fusedIn, modalitiesOf, partOf } from 'mien/parts/bundle';
import type { TestResult } from 'mien/parts/evaluate';
import { type Modalities, modalities } from 'mien/parts/modalities';
import { alignedSection } from './aligned-tests.js';
import type { BundleEvaluation } from './evaluation.js';
import { certaintySection } from './certainty-tests.js';
import { corruptionSection } from './corruption-card.js';
import { groupSection } from './groups.js';
import { fraction, table, withInterval } from './markdown.js';
import { type CardPassages, HEADINGS } from './passages.js';
import {
  detailedVoiceTests,
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

const CHOSEN =
  'Temperatures were fitted on validation. Test items chose nothing: finished models alone met them.';

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
      fraction(test.meanRecall),
      fraction(test.f1),
      fraction(test.calibrationError),
      float ? fraction(float.accuracy.mean) : '–',
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
      fraction(tests.find((test) => test.name === name)!.accuracy.mean),
      ...kinds.map((as) => fraction(accuracy(name, as))),
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
        fraction(passed / items),
        fraction(rejected / items),
      ]),
    ),
  ];
}

function details({ name, labels, perLabel, confusion }: TestResult): string {
  const rows = perLabel.map(({ precision, recall, f1, support }, i) => [
    labels[i]!,
    ...[precision, recall, f1].map(fraction),
    String(support),
    ...confusion[i]!.map(String),
  ]);
  const head = ['true label', 'precision', 'recall', 'F1', 'items', ...labels.map((label) => `as ${label}`)];
  return `### ${name}\n\n${table(head, rows)}`;
}
