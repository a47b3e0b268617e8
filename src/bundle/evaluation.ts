// How a bundle does on the test sets: every number that its card states.
import { randomStream } from '../base/random.js';
import { float32, type Tensor } from '../base/tensor.js';
import type { Protocol, ProtocolFace, ProtocolText } from '../data/types.js';
import { pairFaces } from '../data/pairing.js';
import type { DecodedImage } from '../encoders/encoder.js';
import { productOfPosteriors } from '../evaluate/calibration.js';
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
import type { OpenBundle } from './open.js';
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

const rowsOf = ({ shape, data }: Tensor<'float32'>, rows: ArrayLike<number>): Tensor<'float32'> => {
  const width = shape[1]!;
  const out = new Float32Array(rows.length * width);
  for (let i = 0; i < rows.length; i++)
    out.set(data.subarray(rows[i]! * width, (rows[i]! + 1) * width), i * width);
  return float32([rows.length, width], out);
};

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
  const { text, face, fusion } = bundle.manifest;
  const tests: TestResult[] = [];
  const robustness: BundleEvaluation['robustness'][number][] = [];

  const texts: readonly ProtocolText[] = text ? protocol.texts.filter(({ split }) => split === 'test') : [];
  const encodedTexts = text && (await bundle.texts(texts.map((one) => one.text)));
  if (text && encodedTexts && texts.length > 0) {
    const posteriors = softmax(scores(text.labels.length, encodedTexts.logits.data), text.temperature);
    tests.push(result('ISEAR', text.labels, posteriors, indices(texts, text.labels)));
  }

  const faces: readonly ProtocolFace[] = face ? protocol.faces.filter(({ split }) => split === 'test') : [];
  let encodedFaces: { embedding: Tensor<'float32'>; logits: Tensor<'float32'> } | undefined;
  if (face && faces.length > 0) {
    progress.begin('test faces', 3 * faces.length, 'faces');
    encodedFaces = await facesIn(bundle, faces, (image) => image, progress);
    const truth = indices(faces, face.labels);
    const posteriors = softmax(scores(face.labels.length, encodedFaces.logits.data), face.temperature);
    for (const { name, of } of FACE_TESTS) {
      const members = faces.flatMap((one, i) => (of(one) ? [i] : []));
      if (members.length === 0) continue;
      const chosen = pick(posteriors, members);
      tests.push(
        result(
          name,
          face.labels,
          chosen,
          Uint8Array.from(members, (i) => truth[i]!),
        ),
      );
    }
    const changed: readonly [string, (image: DecodedImage, index: number) => DecodedImage][] = [
      ['cropped anew', (image, i) => recropped(image, RECROP, randomStream(SEED, 'recrop', i))],
      ['grey', greyed],
    ];
    for (const [as, change] of changed) {
      const { logits } = await facesIn(bundle, faces, change, progress);
      for (const { name, of } of FACE_TESTS) {
        const members = faces.flatMap((one, i) => (of(one) ? [i] : []));
        if (members.length === 0) continue;
        const accuracy = accuracyOf(
          rowsOf(logits, members),
          Uint8Array.from(members, (i) => truth[i]!),
        );
        robustness.push({ name, as, accuracy });
      }
    }
    progress.end();
  }

  if (text && face && fusion && encodedTexts && encodedFaces) {
    const { labels } = fusion;
    const shared = texts.flatMap((one, i) => (labels.includes(one.label) ? [i] : []));
    const truth = indices(
      shared.map((i) => texts[i]!),
      labels,
    );
    for (const [name, dataset] of [
      ['ISEAR × FER2013', 'fer2013'],
      ['ISEAR × RAF-DB', 'rafdb'],
    ] as const) {
      const pool = faces.flatMap((one, i) =>
        one.item.dataset === dataset && labels.includes(one.label) ? [i] : [],
      );
      if (pool.length === 0) continue;
      const pairs = Array.from({ length: PAIRINGS }, (_, index) =>
        pairFaces(
          shared.map((i) => texts[i]!),
          pool.map((i) => faces[i]!),
          SEED,
          index,
          { stream: 'test pairing' },
        ),
      );
      const ofTexts = pairs.flatMap(() => shared);
      const ofFaces = pairs.flatMap((positions) => Array.from(positions, (position) => pool[position]!));
      const allTruth = Uint8Array.from(pairs.flatMap(() => [...truth]));
      const { logits } = await bundle.fuse(
        rowsOf(encodedTexts.embedding, ofTexts),
        rowsOf(encodedFaces.embedding, ofFaces),
      );
      const gated = softmax(scores(labels.length, logits.data), fusion.temperature);
      tests.push(result(`${name}, ${fusion.head}`, labels, gated, allTruth, shared.length));

      const evidence = (
        part: NonNullable<typeof text | typeof face>,
        all: Tensor<'float32'>,
        rows: readonly number[],
      ) => {
        const restricted = restrictLogits(
          scores(part.labels.length, rowsOf(all, rows).data),
          part.labels,
          labels,
        );
        return {
          logits: restricted,
          temperature: part.temperature,
          prior: restrictPrior(part.prior, part.labels, labels),
        };
      };
      const product = productOfPosteriors(
        [evidence(text, encodedTexts.logits, ofTexts), evidence(face, encodedFaces.logits, ofFaces)],
        fusion.prior,
      );
      tests.push(result(`${name}, product of posteriors`, labels, softmax(product), allTruth, shared.length));
    }
  }
  return { tests, robustness };
}

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
