// How sure the fusion is where text and face contradict each other, on validation pairs, and what its warning says of
// them. Not a timing.
//     node --import tsx bench/contradiction.ts FEATURES LEARNED_TEXT LEARNED_FACE [BUNDLE]
// FEATURES is the folder of features that `mien export` made the bundle from, the learned ones what it was given.
import { join } from 'node:path';
import { float32, takeRows, type Tensor } from 'mien-engine/base';
import { openBundle, readBundle } from 'mien/parts/bundle';
import { scores, toPosteriors } from 'mien/parts/evaluate';
import { answerItems, type Recognition } from 'mien/parts/recognizer';
import {
  classify,
  experimentData,
  openFeatures,
  pairFaces,
  readLearnedFace,
  readLearnedText,
  type Selection,
} from 'mien-lab';

const PAIRINGS = 10;
const SURE = 0.9;
const THRESHOLDS = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const TEMPERED = [0, 0.25, 0.5, 1, 1.5, 2, 3, 4];

const [features, learnedText, learnedFace, folder] = process.argv.slice(2);
if (features === undefined || learnedText === undefined || learnedFace === undefined)
  throw new Error('Name the folders of the features and of the learned encoders of text and face.');
const { manifest, files } = await readBundle(folder ?? join(import.meta.dirname, '../models/lite'));
const bundle = await openBundle(manifest, files, { threads: 1, spinning: false });
const sets = await openFeatures(features);
const data = experimentData(sets, sets.corpora ? 'all' : 'isear');
const labels = manifest.fusion!.labels;
const texts = data.texts(labels, 'validation');
const faces = data.faces('both', labels, 'validation');
const logitsOf = (
  rows: Tensor<'float32'>,
  { weights, labels: own }: Awaited<ReturnType<typeof readLearnedText | typeof readLearnedFace>>,
): Tensor<'float32'> => float32([rows.shape[0]!, own.length], classify(rows.data, weights, own.length));
const ofText = takeRows(data.tables.text, texts.rows);
const textLogits = logitsOf(ofText, await readLearnedText(learnedText));
const faceEncoder = await readLearnedFace(learnedFace);

interface Pair {
  readonly answer: Recognition;
  /** Label of the text, and so of the pair where both agree. */
  readonly truth: string;
  /** Logits of the fusion. */
  readonly fused: Float32Array;
}

const STREAM = 'contradiction';

/** For each text a face among these, of its label or of another. */
function drawFrom({ labels: pool }: Selection, which: 'same' | 'other', pairing: number): Int32Array {
  const labelled = (of: Uint8Array) => Array.from(of, (label) => ({ label: labels[label]! }));
  const options = { mismatch: which === 'other', stream: STREAM };
  return pairFaces(labelled(texts.labels), labelled(pool), 0, pairing, options);
}

async function pairs(pool: Selection, which: 'same' | 'other'): Promise<Pair[]> {
  const ofFace = takeRows(data.tables.face, pool.rows);
  const read = { embedding: ofText, logits: textLogits };
  const seen = { embedding: ofFace, logits: logitsOf(ofFace, faceEncoder) };
  const found: Pair[] = [];
  for (let pairing = 0; pairing < PAIRINGS; pairing++) {
    const items = Array.from(drawFrom(pool, which, pairing), (face, text) => ({
      prepared: {
        units: {
          text: [{ ids: new Int32Array(), read: 1 }],
          face: [{ image: { width: 100, height: 100, data: new Uint8Array() }, place: null }],
        },
        warnings: [],
      },
      rows: { text, face },
    }));
    const answers = (await answerItems(bundle, items, { text: read, face: seen })) as Recognition[];
    answers.forEach((answer, text) => {
      const fused = Float32Array.from(labels, (label) => answer.logits[label]!);
      found.push({ answer, truth: labels[texts.labels[text]!]!, fused });
    });
  }
  return found;
}

const share = <T>(all: readonly T[], holds: (one: T) => boolean): number =>
  all.filter(holds).length / Math.max(1, all.length);
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
const confidence = ({ answer }: Pair): number => answer.probabilities[answer.label]!;
const format = (value: number): string => value.toFixed(3).replace(/^0\./, '.');

const kinds = {
  agreeing: await pairs(faces, 'same'),
  contradicting: await pairs(faces, 'other'),
};
const warned = ({ answer }: Pair): boolean =>
  answer.warnings.some(({ code }) => code === 'modalities-disagree');
for (const [kind, all] of Object.entries(kinds)) {
  const sure = all.filter((one) => confidence(one) > SURE);
  console.log(
    `${kind}: ${all.length} pairs, mean confidence ${format(mean(all.map(confidence)))}, surer than ${SURE}: ` +
      `${format(sure.length / all.length)}; warned of: ${format(share(all, warned))}, of the sure ones ${format(share(sure, warned))}`,
  );
}

console.log(
  '\ndisagreement above | agreeing: share, accuracy, confidence | below: accuracy, confidence | contradicting: share; of those surer than .9',
);
const right = ({ answer, truth }: Pair): boolean => answer.label === truth;
for (const threshold of THRESHOLDS) {
  const above = ({ answer }: Pair): boolean => answer.disagreement! > threshold;
  const some = kinds.agreeing.filter(above);
  const rest = kinds.agreeing.filter((one) => !above(one));
  const sure = kinds.contradicting.filter((one) => confidence(one) > SURE);
  console.log(
    [
      threshold,
      [share(kinds.agreeing, above), share(some, right), mean(some.map(confidence))].map(format).join(' '),
      [share(rest, right), mean(rest.map(confidence))].map(format).join(' '),
      [share(kinds.contradicting, above), share(sure, above)].map(format).join(' '),
    ].join(' | '),
  );
}

console.log(
  '\ntemperature × (1 + k · disagreement): k | agreeing: log loss, surer than .9 | contradicting: surer than .9',
);
const { temperature } = manifest.fusion!;
for (const k of TEMPERED) {
  const tempered = ({ fused, answer }: Pair) => {
    const { data: values } = toPosteriors(
      scores(labels.length, fused),
      temperature * (1 + k * answer.disagreement!),
    );
    return Object.fromEntries(labels.map((label, i) => [label, values[i]!]));
  };
  const surer = (all: readonly Pair[]): number =>
    share(all, (one) => Math.max(...Object.values(tempered(one))) > SURE);
  const loss = mean(kinds.agreeing.map((one) => -Math.log(tempered(one)[one.truth]!)));
  console.log(
    `${k} | ${loss.toFixed(4)} ${format(surer(kinds.agreeing))} | ${format(surer(kinds.contradicting))}`,
  );
}
await bundle.dispose();
