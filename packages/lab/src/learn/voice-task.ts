// Training of a voice encoder, as a task for the training loop: which clips an epoch has, in which batches and how
// augmented, and how weights score on validation.
import { float32, inBatches, indicesBy, int32, itemsAt, randomStream, type Tensors } from 'mien-engine/base';
import { argmax, scores } from 'mien/parts/evaluate';
import { framesOf, HOP, reflected, SAMPLE_RATE, samplesOfBatch } from '../encoders/log-mel.js';
import { whisperPartOf, whisperParts } from '../encoders/whisper.js';
import type { TrainingTask } from '../train/loop.js';
import type { Validation } from '../train/position.js';
import { stepSeeds } from './augmentation.js';
import { epochOrder } from './draws.js';
import {
  encoderTask,
  plannedRuns,
  repeatsOf,
  runsByWidth,
  trainsFrom,
  type WidthRun,
} from './encoder-task.js';
import { evidenceTargets, itemWeights, labelShares, offsetsOf, type LabelledItems } from './evidence.js';
import type { VoiceLearnSettings } from './settings.js';
import { augmentVoice, drawVoice, lengthAt, noiseSources, type DrawnVoice } from './voice-augmentation.js';
import { voiceLogits, voiceTrainee, type VoiceModel } from './voice-model.js';

export interface VoiceSet {
  /** Samples at 16 kHz, trimmed and levelled. */
  readonly clips: readonly Float32Array[];
  /** Index of each clip's label. */
  readonly labels: Uint8Array;
  /** Of each clip. */
  readonly corpora: readonly string[];
}

/** A training of voices, and how often each label occurs in what it is trained on. */
export interface VoiceTask extends TrainingTask {
  readonly prior: readonly number[];
}

/** Frames that batches are padded to, 10 ms each; each is a graph of its own. */
const WIDTHS = [100, 150, 200, 250, 300, 350, 400, 500, 600, 800, 1000, 1500, 2000, 3000];

/** Batches that are sorted by length together: more waste less, fewer mix clips of different lengths. */
const POOL = 8;

/** The clips of an epoch, what was drawn for each, and its runs. */
interface Drawn {
  readonly epoch: number;
  readonly items: Int32Array;
  readonly drawn: readonly DrawnVoice[];
  readonly runs: readonly WidthRun[];
}

/** The task: from initial weights to validation. */
export function voiceTask(
  model: VoiceModel,
  weights: Tensors,
  settings: VoiceLearnSettings,
  training: VoiceSet,
  validation: VoiceSet,
  threads?: number,
): VoiceTask {
  const { batchSize, seed, epochs, logitAdjustment: adjustment } = settings;
  const { classes } = model;
  const aims = voiceTargets(training, settings, classes);
  const repeats = training.corpora.map((name) => repeatsOf(settings, name));
  const prior = priorOf(training.labels, repeats, classes);
  const sources = noiseSources(seed, training.clips);
  const most = Math.floor(settings.maxSeconds * SAMPLE_RATE);
  const lengthOf = (item: number, drawn: DrawnVoice): number =>
    Math.min(most, lengthAt(training.clips[item]!.length, drawn));

  let last: Drawn | undefined;
  const drawnOf = (epoch: number): Drawn => {
    if (last?.epoch === epoch) return last;
    const items = epochOrder(repeats, seed, epoch);
    const drawn = Array.from(items, (_, place) =>
      drawVoice(randomStream(seed, `learn voice ${epoch}`, place), settings.augmentation),
    );
    const frames = drawn.map((one, place) => Math.ceil(lengthOf(items[place]!, one) / HOP));
    const places = Array.from(items, (_, place) => place);
    const steps = inBatches(places, POOL * batchSize).flatMap((pool) =>
      inBatches(
        [...pool].sort((a, b) => frames[a]! - frames[b]! || a - b),
        batchSize,
      ),
    );
    const widthOf = (step: readonly number[]): number => {
      const longest = Math.max(...itemsAt(frames, step));
      return WIDTHS.find((width) => longest <= width)!;
    };
    const byWidth = new Map(
      [...indicesBy(steps, widthOf)].map(([width, members]) => [width, itemsAt(steps, members)]),
    );
    last = { epoch, items, drawn, runs: runsByWidth(byWidth, settings, epoch) };
    return last;
  };

  /** The clip as this epoch augments it. */
  const heard = (item: number, drawn: DrawnVoice): Float32Array => {
    const whole = augmentVoice(training.clips[item]!, drawn, sources);
    const length = lengthOf(item, drawn);
    const start = Math.floor(drawn.cut * (whole.length - length + 1));
    return whole.subarray(start, start + length);
  };

  const batches = (epoch: number, index: number): Tensors => {
    const { items, drawn, runs } = drawnOf(epoch);
    const { width, steps } = runs[index]!;
    const shape = [steps.length, batchSize];
    const n = steps.length * batchSize;
    const row = samplesOfBatch(width);
    const { timeMasks, bandMasks } = settings.augmentation;
    const samples = new Float32Array(n * row);
    // A row without a clip has two frames, so that its mean is a number, and no weight.
    const frames = new Int32Array(n).fill(2);
    const times = new Float32Array(n * timeMasks * 2);
    const bands = new Float32Array(n * bandMasks * 2);
    const targets = new Float32Array(n * classes);
    const rowOffsets = new Float32Array(n * classes);
    const itemWeight = new Float32Array(n);
    steps.forEach((places, step) =>
      places.forEach((place, k) => {
        const at = step * batchSize + k;
        const item = items[place]!;
        const own = drawn[place]!;
        const clip = heard(item, own);
        reflected(clip, samples.subarray(at * row, (at + 1) * row));
        frames[at] = framesOf(clip.length);
        times.set(scaled(own.timeMasks, frames[at]!), at * timeMasks * 2);
        bands.set(scaled(own.bandMasks, model.config.bands), at * bandMasks * 2);
        targets.set(aims.targetOf(item), at * classes);
        rowOffsets.set(aims.offsetsOf(item), at * classes);
        itemWeight[at] = aims.weightOf(item);
      }),
    );
    return {
      samples: float32([...shape, row], samples),
      frames: int32(shape, frames),
      ...(timeMasks > 0 && { timeMasks: float32([...shape, timeMasks, 2], times) }),
      ...(bandMasks > 0 && { bandMasks: float32([...shape, bandMasks, 2], bands) }),
      targets: float32([...shape, classes], targets),
      offsets: float32([...shape, classes], rowOffsets),
      weights: float32(shape, itemWeight),
      seed: stepSeeds(randomStream(seed, `learn noise ${epoch}`, index), steps.length),
    };
  };

  const validate = async (now: Tensors): Promise<Validation> => {
    const even = await voiceLogits(model, now, validation.clips, threads);
    return scoreVoices(
      even.map((logit, i) => logit + adjustment * Math.log(prior[i % classes]!)),
      validation,
      classes,
    );
  };

  const parts = {
    parts: whisperParts(model.config),
    partOf: (name: string) => whisperPartOf(model.config, name),
  };
  const task = encoderTask(
    {
      epochs,
      weights,
      plan: (epoch) => plannedRuns(drawnOf(epoch).runs),
      batches,
      validate,
      validatesStart: settings.classifier === 'probe',
      isTrained: trainsFrom(parts, settings.from),
      trainee: (width) => voiceTrainee(model, settings, width),
    },
    settings,
    { ...parts, decays },
  );
  return { ...task, prior };
}

/** What each clip is trained towards. */
export interface VoiceTargets {
  /** Distribution over the labels, `[classes]`. */
  readonly targetOf: (item: number) => Float32Array;
  /** Added to its logits, `[classes]`. */
  readonly offsetsOf: (item: number) => Float32Array;
  readonly weightOf: (item: number) => number;
}

export function voiceTargets(
  training: Pick<VoiceSet, 'labels' | 'corpora'>,
  settings: Pick<VoiceLearnSettings, 'logitAdjustment' | 'labelSmoothing' | 'balance'>,
  classes: number,
): VoiceTargets {
  const { items, shares, evidence } = corpusEvidence(training, classes);
  const offsets = evidence.map((known, i) => offsetsOf(known, shares[i]!, settings.logitAdjustment));
  const weights = itemWeights(items, shares, settings.balance, () => 1);
  return {
    targetOf: evidenceTargets(
      items,
      evidence.map((known) => ({ evidence: known })),
      settings.labelSmoothing,
    ),
    offsetsOf: (item) => offsets[items.corpus[item]!]!,
    weightOf: (item) => weights[item]!,
  };
}

/**
 * Clips by corpus, how frequent labels are in each, and which it is evidence about: those that some of its clips have.
 */
export function corpusEvidence({ labels, corpora }: Pick<VoiceSet, 'labels' | 'corpora'>, classes: number) {
  const names = [...new Set(corpora)].sort();
  const items: LabelledItems = {
    labels: Array.from(labels, (label) => [label]),
    corpus: Uint8Array.from(corpora, (name) => names.indexOf(name)),
  };
  const shares = labelShares(items, names.length, classes);
  const evidence = shares.map((own) => Array.from(own, (share) => Number(share > 0)));
  return { names, items, shares, evidence };
}

/** How frequent labels are in an epoch, every number above 0. */
function priorOf(labels: Uint8Array, repeats: readonly number[], classes: number): number[] {
  const counts = new Float64Array(classes).fill(1e-6);
  labels.forEach((label, i) => (counts[label]! += repeats[i]!));
  const total = counts.reduce((sum, count) => sum + count, 0);
  return Array.from(counts, (count) => count / total);
}

/** Masks as shares of a length, in whole places of it. */
const scaled = (masks: DrawnVoice['timeMasks'], length: number): number[] =>
  masks.flat().map((share) => Math.round(share * length));

/**
 * For each corpus, accuracy and mean recall over the labels it has; the score is the mean accuracy over corpora, so
 * that the largest does not outweigh the others.
 */
export function scoreVoices(
  logits: Float32Array,
  { labels, corpora }: Pick<VoiceSet, 'labels' | 'corpora'>,
  classes: number,
): Validation {
  const predicted = argmax(scores(classes, logits));
  const details: Record<string, number> = {};
  const names = [...new Set(corpora)].sort();
  let score = 0;
  for (const name of names) {
    const members = corpora.flatMap((corpus, i) => (corpus === name ? [i] : []));
    const hits = (some: readonly number[]): number =>
      some.filter((i) => predicted[i] === labels[i]).length / some.length;
    const byLabel = [...indicesBy(members, (i) => labels[i]).values()];
    const recalls = byLabel.map((places) => hits(itemsAt(members, places)));
    const accuracy = hits(members);
    details[name] = accuracy;
    details[`${name} recall`] = recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length;
    score += accuracy / names.length;
  }
  return { score, details };
}

/** Layer norms and biases do not decay. */
const decays = (name: string): boolean => name.endsWith('.weight') && !/layer_norm\.weight$/.test(name);
