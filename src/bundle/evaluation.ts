// How a bundle does on the test sets: every number that its card states.
import { randomStream } from '../base/random.js';
import { float32, takeRows, type Tensor } from '../base/tensor.js';
import type { Protocol, ProtocolFace, ProtocolText } from '../data/types.js';
import { pairFaces } from '../data/pairing.js';
import type { DecodedImage } from '../encoders/encoder.js';
import { productOfPosteriors, type Evidence } from '../evaluate/calibration.js';
import { wilsonInterval, type Interval } from '../evaluate/intervals.js';
import {
  brierScore,
  confusionMatrix,
  expectedCalibrationError,
  scoreOf,
  type ConfusionMatrix,
  type LabelScore,
} from '../evaluate/metrics.js';
import { argmax, restrictLogits, restrictPrior, scores, softmax, type Scores } from '../evaluate/scores.js';
import { silentProgress, type Progress } from '../base/progress.js';
import { decodeFaces } from '../learn/face-images.js';
import type { Encoded, OpenBundle } from './open.js';
import { greyed, recropped } from './recrop.js';

/** One test set through one model. */
export interface TestResult {
  /** `ISEAR`, `FER2013 PrivateTest`, `ISEAR × RAF-DB, gated`, … */
  readonly name: string;
  readonly labels: readonly string[];
  readonly n: number;
  /** Share of items classified rightly, with Wilson's interval over items; of pairs, the mean over pairings. */
  readonly accuracy: Interval;
  /** Mean of the labels' recalls. */
  readonly meanRecall: number;
  readonly f1: number;
  readonly perLabel: readonly LabelScore[];
  readonly confusion: ConfusionMatrix;
  readonly calibrationError: number;
  readonly brier: number;
}

export interface BundleEvaluation {
  readonly tests: readonly TestResult[];
  /** Accuracy on all faces of a test set when they are cropped anew, or lose their colour. */
  readonly robustness: readonly { readonly name: string; readonly as: string; readonly accuracy: number }[];
}

/** Whose faces the texts are paired with. */
const PAIRED = [
  ['ISEAR × FER2013', 'fer2013'],
  ['ISEAR × RAF-DB', 'rafdb'],
] as const;
const RECROP = { scale: 1.25, shift: 0.1 };
const PAIRINGS = 3;
const SEED = 0;

function result(
  name: string,
  labels: readonly string[],
  posteriors: Scores,
  truth: Uint8Array,
  items = truth.length,
): TestResult {
  const confusion = confusionMatrix(truth, argmax(posteriors), labels.length);
  const { accuracy, f1, perLabel } = scoreOf(confusion);
  return {
    ...{ name, labels, n: items, f1, perLabel, confusion },
    accuracy: wilsonInterval(accuracy * items, items),
    meanRecall: perLabel.reduce((sum, { recall }) => sum + recall, 0) / labels.length,
    calibrationError: expectedCalibrationError(truth, posteriors),
    brier: brierScore(truth, posteriors),
  };
}

const indices = (items: readonly { readonly label: string }[], labels: readonly string[]): Uint8Array =>
  Uint8Array.from(items, ({ label }) => labels.indexOf(label));

/** Accuracy of logits. */
const accuracyOf = (logits: Tensor<'float32'>, truth: Uint8Array): number => {
  const predicted = argmax(scores(logits.shape[1]!, logits.data));
  return predicted.filter((label, i) => label === truth[i]).length / truth.length;
};

/** The parts of the face sets that are reported by themselves. */
const FACE_TESTS: readonly { name: string; of: (face: ProtocolFace) => boolean }[] = [
  { name: 'FER2013 PrivateTest', of: ({ item }) => item.usage === 'PrivateTest' },
  { name: 'FER2013 PublicTest', of: ({ item }) => item.usage === 'PublicTest' },
  { name: 'FER2013 test', of: ({ item }) => item.dataset === 'fer2013' },
  { name: 'RAF-DB test', of: ({ item }) => item.dataset === 'rafdb' },
];

/** Runs the bundle over the protocol's test splits. */
export async function evaluateBundle(
  bundle: OpenBundle,
  protocol: Protocol,
  progress: Progress = silentProgress,
): Promise<BundleEvaluation> {
  const { text, face } = bundle.manifest;
  const texts = text ? protocol.texts.filter(({ split }) => split === 'test') : [];
  const faces = face ? protocol.faces.filter(({ split }) => split === 'test') : [];
  const encodedTexts = texts.length > 0 ? await bundle.texts(texts.map((one) => one.text)) : undefined;
  progress.begin('test faces', 3 * faces.length, 'faces');
  const encodedFaces =
    faces.length > 0 ? await facesIn(bundle, faces, (image) => image, progress) : undefined;
  const robustness = encodedFaces ? await robustnessOf(bundle, faces, progress) : [];
  progress.end();
  return {
    tests: [
      ...(encodedTexts ? [textTest(bundle, texts, encodedTexts)] : []),
      ...(encodedFaces ? faceTests(bundle, faces, encodedFaces) : []),
      ...(encodedTexts && encodedFaces
        ? await pairTests(bundle, { items: texts, ...encodedTexts }, { items: faces, ...encodedFaces })
        : []),
    ],
    robustness,
  };
}

function textTest({ manifest }: OpenBundle, texts: readonly ProtocolText[], { logits }: Encoded): TestResult {
  const { labels, temperature } = manifest.text!;
  const posteriors = softmax(scores(labels.length, logits.data), temperature);
  return result('ISEAR', labels, posteriors, indices(texts, labels));
}

/** The parts of the face sets that there are, with the places of their faces. */
const partsOf = (faces: readonly ProtocolFace[]): { name: string; members: number[] }[] =>
  FACE_TESTS.map(({ name, of }) => ({
    name,
    members: faces.flatMap((one, i) => (of(one) ? [i] : [])),
  })).filter(({ members }) => members.length > 0);

function faceTests(
  { manifest }: OpenBundle,
  faces: readonly ProtocolFace[],
  { logits }: Encoded,
): TestResult[] {
  const { labels, temperature } = manifest.face!;
  const truth = indices(faces, labels);
  const posteriors = softmax(scores(labels.length, logits.data), temperature);
  return partsOf(faces).map(({ name, members }) =>
    result(
      name,
      labels,
      pick(posteriors, members),
      Uint8Array.from(members, (i) => truth[i]!),
    ),
  );
}

/** Accuracy on the same faces when they are cropped anew, and without colour. */
async function robustnessOf(
  bundle: OpenBundle,
  faces: readonly ProtocolFace[],
  progress: Progress,
): Promise<BundleEvaluation['robustness']> {
  const truth = indices(faces, bundle.manifest.face!.labels);
  const changes: readonly [string, (image: DecodedImage, index: number) => DecodedImage][] = [
    ['cropped anew', (image, i) => recropped(image, RECROP, randomStream(SEED, 'recrop', i))],
    ['grey', greyed],
  ];
  const found: BundleEvaluation['robustness'][number][] = [];
  for (const [as, change] of changes) {
    const { logits } = await facesIn(bundle, faces, change, progress);
    for (const { name, members } of partsOf(faces)) {
      const known = Uint8Array.from(members, (i) => truth[i]!);
      found.push({ name, as, accuracy: accuracyOf(takeRows(logits, members), known) });
    }
  }
  return found;
}

/** Label-matched pairs of test texts and test faces, fused by the head and by the product of posteriors. */
async function pairTests(
  bundle: OpenBundle,
  texts: Encoded & { readonly items: readonly ProtocolText[] },
  faces: Encoded & { readonly items: readonly ProtocolFace[] },
): Promise<TestResult[]> {
  const { text, face, fusion } = bundle.manifest;
  if (!text || !face || !fusion) return [];
  const { labels } = fusion;
  const shared = texts.items.flatMap((one, i) => (labels.includes(one.label) ? [i] : []));
  const sharedTexts = shared.map((i) => texts.items[i]!);
  const tests: TestResult[] = [];
  for (const [name, dataset] of PAIRED) {
    const pool = faces.items.flatMap((one, i) =>
      one.item.dataset === dataset && labels.includes(one.label) ? [i] : [],
    );
    if (pool.length === 0) continue;
    const poolFaces = pool.map((i) => faces.items[i]!);
    const pairings = Array.from({ length: PAIRINGS }, (_, index) =>
      pairFaces(sharedTexts, poolFaces, SEED, index, { stream: 'test pairing' }),
    );
    const ofTexts = pairings.flatMap(() => shared);
    const ofFaces = pairings.flatMap((positions) => Array.from(positions, (position) => pool[position]!));
    const truth = Uint8Array.from(pairings.flatMap(() => [...indices(sharedTexts, labels)]));
    const { logits } = await bundle.fuse(
      takeRows(texts.embedding, ofTexts),
      takeRows(faces.embedding, ofFaces),
    );
    const fused = softmax(scores(labels.length, logits.data), fusion.temperature);
    const product = productOfPosteriors(
      [
        evidenceOf(text, takeRows(texts.logits, ofTexts), labels),
        evidenceOf(face, takeRows(faces.logits, ofFaces), labels),
      ],
      fusion.prior,
    );
    tests.push(
      result(`${name}, ${fusion.head}`, labels, fused, truth, shared.length),
      result(`${name}, product of posteriors`, labels, softmax(product), truth, shared.length),
    );
  }
  return tests;
}

/** What a part says about the shared labels. */
const evidenceOf = (
  { labels: known, temperature, prior }: { labels: string[]; temperature: number; prior: number[] },
  { data }: Tensor<'float32'>,
  labels: readonly string[],
): Evidence => ({
  logits: restrictLogits(scores(known.length, data), known, labels),
  temperature,
  prior: restrictPrior(prior, known, labels),
});

const pick = ({ classes, data }: Scores, rows: readonly number[]): Scores => ({
  classes,
  data: Float64Array.from(rows.flatMap((row) => [...data.subarray(row * classes, (row + 1) * classes)])),
});

/** Images decoded, changed and encoded a few hundred at a time, so that memory stays small. */
const CHUNK = 512;

async function facesIn(
  bundle: OpenBundle,
  faces: readonly ProtocolFace[],
  change: (image: DecodedImage, index: number) => DecodedImage,
  progress: Progress,
) {
  const { width, labels } = bundle.manifest.face!;
  const embedding = new Float32Array(faces.length * width);
  const logits = new Float32Array(faces.length * labels.length);
  for (let start = 0; start < faces.length; start += CHUNK) {
    const images = await decodeFaces(faces.slice(start, start + CHUNK).map(({ item }) => item));
    const encoded = await bundle.faces(images.map((image, i) => change(image, start + i)));
    embedding.set(encoded.embedding.data, start * width);
    logits.set(encoded.logits.data, start * labels.length);
    progress.advance(images.length);
  }
  return {
    embedding: float32([faces.length, width], embedding),
    logits: float32([faces.length, labels.length], logits),
  };
}
