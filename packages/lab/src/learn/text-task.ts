// Training of a text encoder, as a task for the training loop: batches of similar length, padded to one of a few
// widths, and how weights score on validation.
import { float32, inBatches, indicesBy, int32, itemsAt, randomStream, type Tensors } from 'mien-engine/base';
import { type BertConfig, bertPartOf, bertParts } from '../encoders/bert.js';
import type { TrainingTask } from '../train/loop.js';
import type { EncoderParts } from '../train/optimizer.js';
import type { Validation } from '../train/position.js';
import { stepSeeds } from './augmentation.js';
import { classify, FINE_CLASSIFIER } from './classifier.js';
import { epochOrder } from './draws.js';
import { encoderTask, plannedRuns, runsByWidth, trainsFrom, type WidthRun } from './encoder-task.js';
import {
  evidenceTargets,
  itemWeights,
  labelShares,
  offsetsOf,
  type CorpusPart,
  type LabelledItems,
} from './evidence.js';
import type { TextLearnSettings } from './settings.js';
import type { Teacher } from './teacher.js';
import { textEmbeddings, textTrainee, TRAINED_ROWS, type TextModel } from './text-model.js';
import { corpusScores, fitBias } from './text-validation.js';

export interface TextSet extends LabelledItems {
  /** Token ids with special tokens. */
  readonly texts: readonly Int32Array[];
  /** Labels of the second classifier; none where the item has none. */
  readonly fine: readonly (readonly number[])[];
}

export interface TextTrainingSet extends TextSet {
  /** Weight of each item in the loss. */
  readonly weights: ArrayLike<number>;
  /** Another spelling of an item for an epoch, as token ids; undefined if it is not changed. */
  readonly variant?: ((item: number, epoch: number) => Int32Array | undefined) | undefined;
  /** Id of the mask token. */
  readonly maskToken?: number | undefined;
  /**
   * A teacher's posteriors of each text, `[n, classes]`, without the `adjustment`'s share of the frequencies that it
   * learned; they replace their share of the smoothed label.
   */
  readonly teacher?: Teacher | undefined;
}

/** Numbers of tokens that batches are padded to; each is a graph of its own. */
const WIDTHS = [12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];

/** The texts of an epoch and its runs, whose places are those of the texts. */
interface Drawn {
  readonly epoch: number;
  readonly texts: readonly Int32Array[];
  readonly runs: readonly WidthRun[];
}

/** The task: from initial weights to validation. */
export function textTask(
  model: TextModel,
  weights: Tensors,
  settings: TextLearnSettings,
  corpora: readonly CorpusPart[],
  training: TextTrainingSet,
  validation: TextSet,
  threads?: number,
): TrainingTask {
  const { batchSize, seed, epochs } = settings;
  const { classes, fine } = model;
  const shares = labelShares(training, corpora.length, classes);
  const weightOf = itemWeights(training, shares, settings.balance, (item) => training.weights[item]!);
  const offsets = corpora.map(({ evidence }, i) => offsetsOf(evidence, shares[i]!, settings.adjustment));
  const repeats = Array.from(training.corpus, (corpus) => corpora[corpus]!.repeat);
  const taught = training.teacher && { teacher: training.teacher, offsets };
  const targetOf = evidenceTargets(training, corpora, settings.labelSmoothing, taught);
  const widthOf = (text: Int32Array): number => WIDTHS.find((width) => text.length <= width)!;

  // Runs in random order, each of texts of one width; the last batch of a width may be short.
  let drawn: Drawn | undefined;
  const drawnOf = (epoch: number): Drawn => {
    if (drawn?.epoch === epoch) return drawn;
    const texts = training.texts.map((text, item) => training.variant?.(item, epoch) ?? text);
    const order = epochOrder(repeats, seed, epoch);
    const widths = itemsAt(texts, order).map(widthOf);
    const steps = new Map(
      [...indicesBy(widths, (width) => width)].map(([width, places]) => [
        width,
        inBatches(itemsAt(order, places), batchSize),
      ]),
    );
    drawn = { epoch, texts, runs: runsByWidth(steps, settings, epoch) };
    return drawn;
  };

  const batches = (epoch: number, index: number): Tensors => {
    const { texts, runs } = drawnOf(epoch);
    const { width, steps } = runs[index]!;
    const shape = [steps.length, batchSize];
    const n = steps.length * batchSize;
    const ids = new Int32Array(n * width);
    const mask = new Int32Array(n * width);
    const targets = new Float32Array(n * classes);
    const rowOffsets = new Float32Array(n * classes);
    const itemWeight = new Float32Array(n);
    const fineTargets = new Float32Array(n * fine);
    const fineWeight = new Float32Array(n);
    steps.forEach((items, step) => {
      for (let row = 0; row < batchSize; row++) {
        const at = step * batchSize + row;
        const item = items[row];
        if (item === undefined) {
          // A row without text has one token, so that its mean is a number, and no weight.
          mask[at * width] = 1;
          continue;
        }
        const draw = randomStream(seed, `learn tokens ${epoch}`, item);
        const text = texts[item]!;
        ids.set(hidden(text, training.maskToken, settings.tokenDropout, draw), at * width);
        mask.fill(1, at * width, at * width + text.length);
        targets.set(targetOf(item), at * classes);
        rowOffsets.set(offsets[training.corpus[item]!]!, at * classes);
        itemWeight[at] = weightOf[item]!;
        const own = training.fine[item]!;
        for (const label of own) fineTargets[at * fine + label] = 1 / own.length;
        fineWeight[at] = own.length > 0 ? weightOf[item]! : 0;
      }
    });
    // A batch without items for the second classifier would divide by a total weight of 0.
    if (fine > 0) for (let at = 0; at < n; at++) fineWeight[at] = Math.max(fineWeight[at]!, 1e-9);
    return {
      ids: int32([...shape, width], ids),
      mask: int32([...shape, width], mask),
      targets: float32([...shape, classes], targets),
      offsets: float32([...shape, classes], rowOffsets),
      weights: float32(shape, itemWeight),
      ...(fine > 0
        ? {
            fineTargets: float32([...shape, fine], fineTargets),
            fineWeights: float32(shape, fineWeight),
          }
        : {}),
      seed: stepSeeds(randomStream(seed, `learn noise ${epoch}`, index), steps.length),
    };
  };

  const validate = async (now: Tensors): Promise<Validation> => {
    const embeddings = await textEmbeddings(model, now, validation.texts, threads);
    const logits = classify(embeddings, now, classes);
    const bias = settings.adjustment > 0 ? fitBias(logits, validation, corpora) : undefined;
    const found = corpusScores(logits, validation, corpora, bias);
    const details: Record<string, number> = {};
    let [score, total] = [0, 0];
    found.forEach((one, i) => {
      if (one === undefined) return;
      const { name, score: weight } = corpora[i]!;
      score += weight * one.accuracy;
      total += weight;
      if (corpora.length > 1) details[name] = one.accuracy;
      details[corpora.length > 1 ? `${name} f1` : 'f1'] = one.f1;
    });
    if (fine > 0)
      details['fine'] = fineAccuracy(classify(embeddings, now, fine, FINE_CLASSIFIER), validation.fine, fine);
    return { score: score / total, details };
  };

  const parts = partsOf(model.config);
  const encoderIsTrained = trainsFrom(parts, settings.from);
  return encoderTask(
    {
      epochs,
      weights,
      plan: (epoch) => plannedRuns(drawnOf(epoch).runs),
      batches,
      validate,
      isTrained: (name) => name === TRAINED_ROWS || encoderIsTrained(name),
      trainee: (width) => textTrainee(model, settings, width),
    },
    settings,
    { ...parts, decays },
  );
}

/** Share of the items with labels of the second classifier whose most likely one is among them. */
function fineAccuracy(logits: Float32Array, labels: readonly (readonly number[])[], fine: number): number {
  let [hits, items] = [0, 0];
  labels.forEach((own, i) => {
    if (own.length === 0) return;
    const row = logits.subarray(i * fine, (i + 1) * fine);
    items++;
    if (own.includes(row.indexOf(Math.max(...row)))) hits++;
  });
  return items > 0 ? hits / items : 0;
}

/** The encoder's parts. Single rows of words learn as fast as the last part. */
const partsOf = (config: BertConfig): EncoderParts => {
  const parts = bertParts(config);
  return {
    parts,
    partOf: (name) => (name === TRAINED_ROWS ? parts.at(-1) : bertPartOf(config, name)),
  };
};

/** Layer norms and biases do not decay. */
const decays = (name: string): boolean =>
  name.endsWith('.weight') && !/(LayerNorm|layer_norm)\.weight$/.test(name);

/** The text with some of its tokens hidden; the special ones at both ends stay. */
function hidden(
  text: Int32Array,
  maskToken: number | undefined,
  rate: number,
  draw: { uniform(): number },
): Int32Array {
  if (rate === 0 || maskToken === undefined) return text;
  return text.map((id, i) => (i > 0 && i < text.length - 1 && draw.uniform() < rate ? maskToken : id));
}
