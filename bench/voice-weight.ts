// How much of a voice's evidence holds for recordings of another kind: classifiers of frozen states of Whisper, fitted on two
// corpora and calibrated on speakers of these, judge the third one's clips. w is the power of their evidence p / π under
// which the labels of those clips are most likely.
//     node --import tsx bench/voice-weight.ts SPEECH [--weights FOLDER] [--every 1]
import { createSession, float32 } from 'mien-engine';
import {
  loadAllSpeech,
  readClip,
  readPretrainedVoice,
  speakerFolds,
  voiceModel,
  whisperTiny,
} from 'mien-lab';
import { FACE_LABELS } from 'mien/parts/data';
import { fit, posterior, standardized } from './logistic.js';
import { readArguments } from './options.js';

const { values, first: data } = readArguments('voice-weight.ts', 'SPEECH [--weights FOLDER] [--every 1]', {
  weights: { type: 'string' },
  /** Uses every nth clip of each corpus. */
  every: { type: 'string', default: '1' },
});
/** A fold of speakers calibrates. */
const FOLDS = 5;
const classes = FACE_LABELS.length;

const { config, weights } = await readPretrainedVoice({
  ...whisperTiny,
  ...(values.weights ? { folder: values.weights } : {}),
});
const model = voiceModel({ config, weights: await weights(), block: 3 }, (embedding) => embedding, 'float32');
const session = await createSession(model, { threads: 1 });
const items = (await loadAllSpeech(data)).flatMap((corpus) =>
  corpus.items.filter((_, i) => i % Number(values.every) === 0),
);
const { width } = config;
const rows = new Float32Array(items.length * width);
for (const [i, item] of items.entries()) {
  const clip = await readClip(item);
  const { embedding } = await session.run({ samples: float32([1, clip.length], clip) });
  rows.set(embedding!.data as Float32Array, i * width);
  if (i % 100 === 99) console.error(`${i + 1} of ${items.length} clips`);
}
await session.dispose();

const labels = items.map(({ label }) => FACE_LABELS.indexOf(label));
const embedded = { width, classes, labels };
const mean = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0) / all.length;

/** log p of the true label, of posteriors ∝ `prior` · (p / `trained`)^power over the labels in which `prior` is not 0. */
function likelihood(
  places: readonly number[],
  posteriors: ReadonlyMap<number, Float64Array>,
  power: number,
  trained: readonly number[],
  prior: readonly number[],
): number {
  return mean(
    places.map((i) => {
      const scores = [...posteriors.get(i)!].map(
        (p, c) => prior[c]! * (Math.max(p, 1e-12) / trained[c]!) ** power,
      );
      return Math.log(scores[labels[i]!]! / scores.reduce((a, b) => a + b, 0));
    }),
  );
}
const GRID = Array.from({ length: 40 }, (_, i) => (i + 1) / 20);
const best = (of: (power: number) => number): number => {
  const found = GRID.map(of);
  return GRID[found.indexOf(Math.max(...found))]!;
};

for (const corpus of new Set(items.map((item) => item.corpus))) {
  const others = [...items.keys()].filter((i) => items[i]!.corpus !== corpus);
  const own = [...items.keys()].filter((i) => items[i]!.corpus === corpus);
  const folds = speakerFolds(
    others.map((i) => items[i]!),
    FOLDS,
  );
  const [training, calibration] = [
    others.filter((_, k) => folds[k] !== 0),
    others.filter((_, k) => folds[k] === 0),
  ];
  const scaled = standardized(embedded, rows, training);
  const weight = await fit(embedded, scaled, training);
  const posteriors = new Map(
    [...own, ...calibration].map((i) => [i, posterior(embedded, scaled, i, weight)] as const),
  );
  const shares = (places: readonly number[]): number[] =>
    FACE_LABELS.map((_, c) => places.filter((i) => labels[i] === c).length / places.length);
  const trained = shares(training).map((share) => Math.max(share, 1e-6));
  const sharpness = best((power) => likelihood(calibration, posteriors, power, trained, trained));
  const prior = shares(own);
  const power = best((one) => likelihood(own, posteriors, one, trained, prior));
  const at = (one: number): string => likelihood(own, posteriors, one, trained, prior).toFixed(3);
  const right = mean(
    own.map((i) => {
      const p = [...posteriors.get(i)!].map((value, c) => (prior[c]! > 0 ? value : 0));
      return Number(p.indexOf(Math.max(...p)) === labels[i]);
    }),
  );
  console.log(
    `${corpus}, ${own.length} clips: accuracy ${right.toFixed(3)} among its labels; w = ${(power / sharpness).toFixed(2)} ` +
      `(powers ${power} here, ${sharpness} on speakers of the others); log-likelihood ${at(power)}, ` +
      `${at(sharpness)} at w = 1, ${at(0.3 * sharpness)} at w = .3, ${at(1e-9)} of the labels' frequencies alone`,
  );
}
