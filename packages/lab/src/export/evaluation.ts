// Evaluates a bundle on the test sets: every number that its card states.
import { itemsAt, randomStream, takeRows } from 'mien-engine/base';
import { type Progress, silentProgress } from 'mien/parts/base';
import { type Encoded, type OpenBundle, partOf } from 'mien/parts/bundle';
import {
  FACE_LABELS,
  isFaceLabel,
  isTextLabel,
  type Protocol,
  type ProtocolFace,
  type ProtocolText,
} from 'mien/parts/data';
import type { DecodedImage } from 'mien/parts/encoders';
import {
  argmax,
  pick,
  restrictLogits,
  scores,
  type Scores,
  toPosteriors,
  testResult,
  type TestResult,
} from 'mien/parts/evaluate';
import { behaviourResults, type BehaviourItem, type BehaviourResult } from '../data/sentences.js';
import { corpusTitle, type PreparedCorpus } from '../data/corpora/definitions.js';
import { faceLabelOf, TESTED } from '../data/corpora/prepare.js';
import { majorityOf } from '../data/votes.js';
import type { AlignedTest } from './aligned-tests.js';
import { certaintyTest, type CertaintyTest } from './certainty-tests.js';
import { corruptionCurves, type CorruptionPoint } from './corruption-curves.js';
import { encodeFaces } from './encode-faces.js';
import { groupResults, type GroupResult } from './groups.js';
import { accuracyOf, indices, pairTests } from './pair-tests.js';
import { greyed, recropped } from './recrop.js';
import type { VoiceEvaluation } from './voice-card.js';

export interface BundleEvaluation {
  readonly tests: readonly TestResult[];
  /** Accuracy on all faces of a test set when they are cropped anew, or lose their colour. */
  readonly robustness: readonly { readonly name: string; readonly as: string; readonly accuracy: number }[];
  /** Of texts, by the groups that their writers stated. */
  readonly groups: readonly GroupResult[];
  /** Results of sets and abstention, of the parts that have thresholds for them. */
  readonly certainty: readonly CertaintyTest[];
  /** Pairs of which one side is made worse by degrees; empty if not requested. */
  readonly corruption: readonly CorruptionPoint[];
  /** Pairs that nobody matched by label; absent if none were given. */
  readonly aligned?: AlignedTest;
  /** Of texts, by capability: how many behaviour items are answered acceptably; absent if there were none. */
  readonly behaviour?: readonly BehaviourResult[];
  /** Of clips, and of triples with them; absent in a bundle without a voice. */
  readonly voice?: VoiceEvaluation;
}

const RECROP = { scale: 1.25, shift: 0.1 };
const SEED = 0;

/** The parts of the face sets that are reported by themselves. */
const FACE_TESTS: readonly { name: string; of: (face: ProtocolFace) => boolean }[] = [
  { name: 'FER2013 PrivateTest', of: ({ item }) => item.usage === 'PrivateTest' },
  { name: 'FER2013 PublicTest', of: ({ item }) => item.usage === 'PublicTest' },
  { name: 'FER2013 test', of: ({ item }) => item.dataset === 'fer2013' },
  { name: 'RAF-DB test', of: ({ item }) => item.dataset === 'rafdb' },
];

export interface EvaluateOptions {
  /** Whether to measure corrupted pairs too. */
  readonly corruption?: boolean;
  /** Short texts that test a capability each. */
  readonly behaviour?: readonly BehaviourItem[] | undefined;
  /** Further corpora, whose test parts are used. */
  readonly corpora?: readonly PreparedCorpus[] | undefined;
  readonly progress?: Progress;
}

/** Runs the bundle over the protocol's test splits. */
export async function evaluateBundle(
  bundle: OpenBundle,
  protocol: Protocol,
  { corruption = true, behaviour = [], corpora = [], progress = silentProgress }: EvaluateOptions = {},
): Promise<BundleEvaluation> {
  const { text, face } = bundle.manifest;
  const texts = text ? protocol.texts.filter(({ split }) => split === 'test') : [];
  const faces = face ? protocol.faces.filter(({ split }) => split === 'test') : [];
  const encodedTexts = texts.length > 0 ? await bundle.texts(texts.map((one) => one.text)) : undefined;
  progress.begin('test faces', 3 * faces.length, 'faces');
  const encodedFaces = faces.length > 0 ? await encodeFaces(bundle, faces, undefined, progress) : undefined;
  const robustness = encodedFaces ? await robustnessOf(bundle, faces, progress) : [];
  progress.end();
  const sides =
    encodedTexts && encodedFaces
      ? ([
          { items: texts, ...encodedTexts },
          { items: faces, ...encodedFaces },
        ] as const)
      : undefined;
  const further = text ? await encodedCorpora(bundle, corpora) : [];
  const pairs = sides ? [await pairTests(bundle, 'ISEAR', ...sides)] : [];
  const tested = further.find(({ name }) => name === TESTED);
  if (sides && tested && hasAll(bundle.manifest.fusion?.labels))
    pairs.push(await pairTests(bundle, corpusTitle(TESTED), tested, sides[1]));
  return {
    tests: [
      ...(encodedTexts ? [textTest(bundle, texts, encodedTexts)] : []),
      ...further.map((corpus) => corpusTest(bundle, corpus)),
      ...(encodedFaces ? faceTests(bundle, faces, encodedFaces) : []),
      ...pairs.flatMap(({ tests }) => tests),
    ],
    robustness,
    groups: encodedTexts ? groupsOf(bundle, texts, encodedTexts) : [],
    certainty: [
      ...(encodedTexts ? textCertainty(bundle, texts, encodedTexts) : []),
      ...(encodedFaces ? faceCertainty(bundle, faces, encodedFaces) : []),
      ...pairs.flatMap(({ certainty }) => certainty),
    ],
    corruption: sides && corruption ? await corruptionCurves(bundle, ...sides, { progress }) : [],
    ...(text && behaviour.length > 0 ? { behaviour: await behaviourOf(bundle, behaviour) } : {}),
  };
}

/** Scores of texts over those of the bundle's labels that ISEAR has. */
function onIsear(
  labels: readonly string[],
  logits: Encoded['logits'],
): { readonly among: readonly string[]; readonly own: Scores } {
  const among = labels.filter(isTextLabel);
  return { among, own: restrictLogits(scores(labels.length, logits.data), labels, among) };
}

function textTest({ manifest }: OpenBundle, texts: readonly ProtocolText[], { logits }: Encoded): TestResult {
  const { labels, temperature } = partOf(manifest, 'text');
  const { among, own } = onIsear(labels, logits);
  return testResult('ISEAR', among, toPosteriors(own, temperature), indices(texts, among));
}

const hasAll = (labels: readonly string[] = []): boolean =>
  FACE_LABELS.every((label) => labels.includes(label));

interface EncodedCorpus extends Encoded {
  readonly name: string;
  readonly evidence: PreparedCorpus['evidence'];
  readonly items: readonly { readonly label: string }[];
}

/**
 * Test items of further corpora with one of the faces' labels, if the bundle has all labels that the corpus can give.
 */
async function encodedCorpora(
  bundle: OpenBundle,
  corpora: readonly PreparedCorpus[],
): Promise<EncodedCorpus[]> {
  const known: readonly string[] = partOf(bundle.manifest, 'text').labels;
  const found: EncodedCorpus[] = [];
  for (const { name, evidence: all, items } of corpora) {
    const evidence = all.filter((label) => isFaceLabel(label));
    const own = items.flatMap((item) => {
      const label = item.split === 'test' ? faceLabelOf(item) : undefined;
      return label === undefined ? [] : [{ text: item.text, label }];
    });
    if (own.length === 0 || !evidence.every((label) => known.includes(label))) continue;
    found.push({ name, evidence, items: own, ...(await bundle.texts(own.map(({ text }) => text))) });
  }
  return found;
}

/** Among the labels that the corpus can give. */
function corpusTest({ manifest }: OpenBundle, { name, evidence, items, logits }: EncodedCorpus): TestResult {
  const { labels, temperature } = partOf(manifest, 'text');
  const own = restrictLogits(scores(labels.length, logits.data), labels, evidence);
  return testResult(corpusTitle(name), evidence, toPosteriors(own, temperature), indices(items, evidence));
}

/** By the text's most likely label of all that it knows. */
async function behaviourOf(bundle: OpenBundle, items: readonly BehaviourItem[]): Promise<BehaviourResult[]> {
  const { labels } = partOf(bundle.manifest, 'text');
  const { logits } = await bundle.texts(items.map(({ text }) => text));
  const best = argmax(scores(labels.length, logits.data));
  return behaviourResults(items, itemsAt(labels, best));
}

function groupsOf(
  { manifest }: OpenBundle,
  texts: readonly ProtocolText[],
  { logits }: Encoded,
): GroupResult[] {
  const { among, own } = onIsear(partOf(manifest, 'text').labels, logits);
  const best = argmax(own);
  return groupResults(
    texts.map(({ item }) => item),
    texts.map(({ label }, i) => among[best[i]!] === label),
  );
}

/** Over the labels that a text by itself is answered with. */
function textCertainty(
  { manifest }: OpenBundle,
  texts: readonly ProtocolText[],
  { logits }: Encoded,
): CertaintyTest[] {
  const { labels, temperature, certainty } = partOf(manifest, 'text');
  const among = manifest.fusion?.labels ?? labels;
  const rows = texts.flatMap(({ label }, i) => (among.includes(label) ? [i] : []));
  if (!certainty || rows.length === 0) return [];
  const own = scores(labels.length, takeRows(logits, rows).data);
  const posteriors = toPosteriors(restrictLogits(own, labels, among), temperature);
  const truth = indices(itemsAt(texts, rows), among);
  return [certaintyTest('text', 'ISEAR', certainty, { truth, posteriors })];
}

function faceCertainty(
  { manifest }: OpenBundle,
  faces: readonly ProtocolFace[],
  { logits }: Encoded,
): CertaintyTest[] {
  const { labels, temperature, certainty } = partOf(manifest, 'face');
  if (!certainty) return [];
  const posteriors = toPosteriors(scores(labels.length, logits.data), temperature);
  const on = [...new Set(faces.map(({ item }) => (item.dataset === 'rafdb' ? 'RAF-DB' : 'FER2013')))].sort();
  return [certaintyTest('face', on.join(' and '), certainty, { truth: indices(faces, labels), posteriors })];
}

/** The parts of the face sets that there are, with the places of their faces. */
const partsOf = (faces: readonly ProtocolFace[]): { name: string; members: number[] }[] =>
  FACE_TESTS.map(({ name, of }) => ({
    name,
    members: faces.flatMap((one, i) => (of(one) ? [i] : [])),
  })).filter(({ members }) => members.length > 0);

/**
 * By the published labels; by what most of FER+'s voters chose, where that is one of the labels; and by the published
 * labels through the second classifier, which learned those alone and shares the first one's temperature.
 */
function faceTests(
  { manifest }: OpenBundle,
  faces: readonly ProtocolFace[],
  { logits, published }: Encoded,
): TestResult[] {
  const { labels, temperature } = partOf(manifest, 'face');
  const truth = indices(faces, labels);
  const posteriors = toPosteriors(scores(labels.length, logits.data), temperature);
  const second = published && toPosteriors(scores(labels.length, published.data), temperature);
  /** Index of the label that most voters chose; −1 for none of them. */
  const voters = faces.map(({ item }) => (item.votes ? labels.indexOf(majorityOf(item.votes) ?? '') : -1));
  const test = (name: string, of: Scores, members: readonly number[], truths: ArrayLike<number>) =>
    testResult(name, labels, pick(of, members), Uint8Array.from(itemsAt(truths, members)));
  return partsOf(faces).flatMap(({ name, members }) => {
    const voted = members.filter((i) => (voters[i] ?? -1) >= 0);
    return [
      test(name, posteriors, members, truth),
      ...(voted.length > 0 ? [test(`${name}, by votes`, posteriors, voted, voters)] : []),
      // RAF-DB's labels are those that the first classifier learns.
      ...(second && itemsAt(faces, members)[0]?.item.dataset === 'fer2013'
        ? [test(`${name}, second classifier`, second, members, truth)]
        : []),
    ];
  });
}

/** Accuracy on the same faces when they are cropped anew, and without colour. */
async function robustnessOf(
  bundle: OpenBundle,
  faces: readonly ProtocolFace[],
  progress: Progress,
): Promise<BundleEvaluation['robustness']> {
  const truth = indices(faces, partOf(bundle.manifest, 'face').labels);
  const changes: readonly [string, (image: DecodedImage, index: number) => DecodedImage][] = [
    ['cropped anew', (image, i) => recropped(image, RECROP, randomStream(SEED, 'recrop', i))],
    ['grey', greyed],
  ];
  const found: BundleEvaluation['robustness'][number][] = [];
  for (const [as, change] of changes) {
    const { logits } = await encodeFaces(bundle, faces, change, progress);
    for (const { name, members } of partsOf(faces)) {
      const known = Uint8Array.from(itemsAt(truth, members));
      const own = takeRows(logits, members);
      found.push({ name, as, accuracy: accuracyOf(scores(own.shape[1]!, own.data), known) });
    }
  }
  return found;
}
