// How well frozen states of Whisper tell RAVDESS's emotions apart in speakers that the classifier has not heard: six folds
// of four actors, the mean over time of each block's states, and the statistics that encoders can be trained on, logistic
// regression. A bundle's model of the third block in integers is judged by the classifiers of the float32 one.
import { parseArgs } from 'node:util';
import {
  constantParameters,
  createGraph,
  createSession,
  encodeModel,
  float32,
  input,
  mean,
} from 'mien-engine';
import {
  embeddingWidth,
  embedVoice,
  loadSpeech,
  logMel,
  readClip,
  readPretrainedVoice,
  speakerFolds,
  unscaledPool,
  voiceModel,
  whisper,
  whisperTiny,
} from 'mien-lab';
import { FACE_LABELS } from 'mien/parts/data';
import { fit, posterior, standardized } from './logistic.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { weights: { type: 'string' } },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error('Usage: node --import tsx bench/voice-folds.ts RAVDESS [--weights FOLDER]');
  process.exit(2);
}

const FOLDS = 6;
/** The block of a bundle's model. */
const BLOCK = 3;
const CLASSES = FACE_LABELS.length;
/** Of the logistic regression: many columns that say nearly the same need more. */
const PENALTY = { mean: 1, statistics: 100 };

const { config, weights } = await readPretrainedVoice({
  ...whisperTiny,
  ...(values.weights ? { folder: values.weights } : {}),
});
const graph = createGraph('voice');
const samples = input(graph, 'samples', 'float32', [1, 'samples']);
const tensors = await weights();
const { layers, last } = whisper(constantParameters(graph, tensors), config, logMel(samples));
const statistics = { ...config, layers: BLOCK, pooling: 'statistics' as const };
const outputs = {
  ...Object.fromEntries(layers.slice(1).map((states, i) => [`block ${i + 1}`, mean(states, [1])])),
  published: mean(last, [1]),
  statistics: embedVoice(
    constantParameters(graph, { ...tensors, ...unscaledPool(statistics) }),
    statistics,
    samples,
    'published',
  ).embedding,
};
const session = await createSession(encodeModel(graph, outputs), { threads: 1 });
const small = await createSession(
  voiceModel({ config, weights: tensors, block: BLOCK }, (embedding) => embedding),
  { threads: 1 },
);

const { items } = await loadSpeech('ravdess', folder);

const width = config.width;
const widthOf = (name: string): number => (name === 'statistics' ? embeddingWidth(statistics) : width);
const features = Object.fromEntries(
  Object.keys(outputs).map((name) => [name, new Float32Array(items.length * widthOf(name))]),
);
const integers = new Float32Array(items.length * width);
for (const [i, item] of items.entries()) {
  const clip = await readClip(item);
  const feeds = { samples: float32([1, clip.length], clip) };
  const encoded = await session.run(feeds);
  integers.set((await small.run(feeds))['embedding']!.data as Float32Array, i * width);
  for (const [name, rows] of Object.entries(features))
    rows.set(encoded[name]!.data as Float32Array, i * widthOf(name));
  if (i % 100 === 99) console.error(`${i + 1} of ${items.length} clips`);
}

const labels = items.map(({ label }) => FACE_LABELS.indexOf(label));
const folds = speakerFolds(items, FOLDS);

for (const [name, rows] of Object.entries(features)) {
  const embedded = { width: widthOf(name), classes: CLASSES, labels };
  const penalty = name === 'statistics' ? PENALTY.statistics : PENALTY.mean;
  const hits = new Array<number>(FOLDS).fill(0);
  const right = new Array<number>(CLASSES).fill(0);
  let [smallHits, changed, difference] = [0, 0, 0];
  for (let fold = 0; fold < FOLDS; fold++) {
    const training = folds.flatMap((one, i) => (one === fold ? [] : [i]));
    const scaled = standardized(embedded, rows, training);
    const weight = await fit(embedded, scaled, training, penalty);
    const quantised =
      name === `block ${BLOCK}` ? standardized(embedded, integers, training, rows) : undefined;
    for (const [i, one] of folds.entries()) {
      if (one !== fold) continue;
      const p = posterior(embedded, scaled, i, weight);
      if (quantised) {
        const q = posterior(embedded, quantised, i, weight);
        const answer = q.indexOf(Math.max(...q));
        if (answer === labels[i]) smallHits++;
        if (answer !== p.indexOf(Math.max(...p))) changed++;
        difference += p.reduce((sum, value, c) => sum + Math.abs(value - q[c]!), 0) / CLASSES;
      }
      if (p.indexOf(Math.max(...p)) !== labels[i]) continue;
      hits[fold]!++;
      right[labels[i]!]!++;
    }
  }
  const shares = hits.map((count, fold) => count / folds.filter((one) => one === fold).length);
  const accuracy = hits.reduce((a, b) => a + b, 0) / items.length;
  const average = shares.reduce((a, b) => a + b, 0) / FOLDS;
  const deviation = Math.sqrt(shares.reduce((a, b) => a + (b - average) ** 2, 0) / (FOLDS - 1));
  const recalls = right.map((count, c) => count / labels.filter((label) => label === c).length);
  const recall = recalls.reduce((a, b) => a + b, 0) / CLASSES;
  const each = recalls.map((share, c) => `${FACE_LABELS[c]} ${share.toFixed(2)}`).join(', ');
  console.log(
    `${name}: accuracy ${accuracy.toFixed(3)}, mean recall ${recall.toFixed(3)}, deviation between folds ` +
      `${deviation.toFixed(3)} (${shares.map((share) => share.toFixed(3)).join(' ')}); recall: ${each}`,
  );
  if (name === `block ${BLOCK}`)
    console.log(
      `${name} in integers: accuracy ${(smallHits / items.length).toFixed(4)} (float32 ${accuracy.toFixed(4)}), ` +
        `${changed} of ${items.length} answers differ, mean difference of a probability ` +
        `${(difference / items.length).toFixed(4)}`,
    );
}
