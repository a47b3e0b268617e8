// Settings of the training of encoders, with their defaults.
import { z } from 'zod';
import { defineSettings } from 'mien/parts/base';
import { SPEECH_CORPUS_NAMES } from '../data/speech-names.js';
import type { OptimizerSettings } from '../train/optimizer.js';

const count = z.int().min(1);
const seed = z.int().min(0);
const share = z.number().min(0).max(1);
const factor = z.number().min(1);
const decay = z.number().min(0).lt(1);

/** Settings of both kinds of encoder. */
const common = {
  seed: seed.default(0),
  /** Items per step. */
  batchSize: count.default(64),
  /** Steps per run of the session; checkpoints, interruptions and progress come between runs. */
  stepsPerRun: count.default(8),
  /** Epochs without a better validation score after which training stops. */
  patience: count.default(5),
  /** Share of each label that is spread over all labels. */
  labelSmoothing: share.default(0.1),
  /** Weight of a label by its count to the power of −balance: 0 for none, 1 for equal weights of all labels. */
  balance: share.default(0),
  /** Decay of the averaged weights per step; 0 for the last weights. */
  averageDecay: decay.default(0.998),
  /** Least time between checkpoints in seconds. */
  checkpointSeconds: z.number().min(0).default(180),
};

const optimizer = (learningRate: number, weightDecay: number) =>
  z
    .strictObject({
      learningRate: z.number().positive().default(learningRate),
      /** Learning rate of the classifier, relative to the encoder's. */
      headRate: z.number().positive().default(2.5),
      /** Factor from each part of the encoder to the one before it. */
      layerDecay: z.number().gt(0).max(1).default(1),
      beta1: decay.default(0.9),
      beta2: decay.default(0.999),
      epsilon: z.number().positive().default(1e-8),
      weightDecay: z.number().min(0).default(weightDecay),
      /** Largest norm of all gradients together; null for no limit. */
      clipNorm: z.number().positive().nullable().default(null),
      /** Share of all steps in which the rate rises from zero; it then follows half a cosine back to zero. */
      warmup: share.default(0.05),
    })
    .prefault({});

const augmentation = z
  .strictObject({
    flip: share.default(0.5),
    rotation: z.number().min(0).default(15),
    scale: factor.default(1.2),
    aspect: factor.default(1.1),
    shift: share.default(0.08),
    brightness: share.default(0.1),
    contrast: share.default(0.3),
    colour: share.default(0.1),
    grey: share.default(0.3),
    erase: share.default(0.3),
    eraseArea: share.default(0.2),
  })
  .prefault({});

const phase = z.strictObject({
  epochs: count,
  /** Side of the images in pixels. */
  size: z.int().min(32),
});

const face = z.strictObject({
  ...common,
  /** Training grows from small images to large ones; one schedule is laid over all phases. */
  phases: z
    .array(phase)
    .min(1)
    .default([{ epochs: 12, size: 72 }]),
  /** Side at which images are kept; they are sampled from there. */
  keptSize: z.int().min(32).default(96),
  /**
   * The first part that is trained: `conv_stem`, `blocks.0`, …, `conv_head` of an EfficientNet, `stem`, `stage1`, …,
   * `head` of MobileFaceNet; null for all.
   */
  from: z.string().nullable().default(null),
  /** Whether the slopes of MobileFaceNet's PReLUs are trained too. */
  slopes: z.boolean().default(false),
  dropPath: share.default(0.1),
  dropout: decay.default(0.2),
  /** Parameter of the Beta distribution of mixup; 0 for none. */
  mixup: z.number().min(0).default(0),
  /** How often an image of a set occurs in an epoch, on average. */
  repeat: z
    .strictObject({ fer2013: z.number().min(0).default(1), rafdb: z.number().min(0).default(1) })
    .prefault({}),
  /** How often images of a set's rarer labels occur: (most frequent / count)^power times as often, at most `most`. */
  rebalance: z.strictObject({ power: share.default(0), most: factor.default(4) }).prefault({}),
  /**
   * Of faces that annotators voted on, the votes' share of the target, the published label being the rest; labels with
   * fewer than `least` votes count as errors.
   */
  votes: z.strictObject({ share: share.default(0.7), least: count.default(2) }).prefault({}),
  /**
   * How much of each set's label frequencies is removed from what the network learns (logit adjustment, Menon et al.
   * 2021): logits are trained with this factor times the logarithm of the frequencies added.
   */
  logitAdjustment: share.default(0),
  /** Weight of the loss of a second classifier, trained on the published labels of faces that annotators voted on. */
  publishedLabels: z.number().min(0).default(0),
  /** Side of the frame in which images of a set are seen, in sides of the image. */
  framing: z
    .strictObject({ fer2013: z.number().positive().default(1), rafdb: z.number().positive().default(1) })
    .prefault({}),
  augmentation,
  optimizer: optimizer(8e-4, 0.02),
});

/** How a corpus of texts takes part. */
const corpus = (repeat: number) =>
  z
    .strictObject({
      /** How often an item occurs in an epoch, on average; 0: the corpus is only validated on. */
      repeat: z.number().min(0).default(repeat),
      /** Weight of its items in the loss. */
      weight: z.number().min(0).default(1),
      /** Weight of its accuracy in the score that selects the epoch, and of its items when a prior is fitted. */
      score: z.number().min(0).default(1),
      /**
       * Labels that its annotators could not give, but that its items hardly have, with the weight of that evidence:
       * people asked for an emotional event do not describe a neutral one.
       */
      against: z.record(z.string(), share).default({}),
      /** Items all of whose own labels are among these get the weight beside them, such as `approval: 0.5`. */
      sourceWeights: z.record(z.string(), z.number().min(0)).default({}),
    })
    .prefault({});

const corpora = z
  .strictObject({
    isear: corpus(1),
    goemotions: corpus(0),
    'dair-emotion': corpus(0),
    'tweeteval-emotion': corpus(0),
    'xed-english': corpus(0),
    'semeval-2025': corpus(0),
    emoevent: corpus(0),
    /** Items made from templates (packages/lab/src/data/templates). */
    templates: corpus(0),
    /** Sentences written for mien (models/sentences.csv). */
    sentences: corpus(0),
    /** A user's own table. */
    also: corpus(1),
  })
  .prefault({});

const text = z.strictObject({
  ...common,
  batchSize: count.default(32),
  epochs: count.default(8),
  dropout: decay.default(0.1),
  /** Texts are cut at this many tokens. */
  maxTokens: z.int().min(3).default(96),
  /** Layers of the initial encoder that are kept, counted from 0, for a smaller encoder; null for all. */
  layers: z.array(z.int().min(0)).min(1).nullable().default(null),
  /** The first part that is trained: `embeddings`, `encoder.layer.0`, … */
  from: z.string().default('embeddings'),
  /** Probability that a token is replaced by the mask token. */
  tokenDropout: decay.default(0),
  corpora,
  /**
   * Share of each corpus's label frequencies that is removed from the logits in training (logit adjustment, Menon et
   * al. 2021), so that corpora do not compete over how frequent a label is; the classifier's bias is then fitted on
   * validation.
   */
  adjustment: share.default(0),
  /** Weight of the loss of a second classifier on the same embedding, trained on GoEmotions' own labels; 0: none. */
  fine: z.number().min(0).default(0),
  /** Most emoji that get tokens of their own in unused places of the vocabulary; 0: none. */
  emoji: z.int().min(0).default(0),
  /** Rows of the word table, from the first, that are trained although the table as a whole is not. */
  trainedRows: z.int().min(0).default(0),
  /** How many items are made from templates, if `corpora.templates` takes part. */
  templates: z.int().min(0).default(6000),
  /** Probability that a training text occurs with typing errors, without case or without punctuation. */
  slips: share.default(0),
  optimizer: optimizer(5e-5, 0.01),
});

const hearing = z
  .strictObject({
    /** Largest change of speed and pitch together, as a share. */
    speed: z.number().min(0).max(0.5).default(0.12),
    /** Probability of a synthetic room, and its longest reverberation in seconds (to −60 dB). */
    room: share.default(0.3),
    reverberation: z.number().min(0.05).max(3).default(0.7),
    /** Probability of an equaliser, and its largest gain in dB. */
    equalizer: share.default(0.5),
    equalizerRange: z.number().min(0).default(8),
    /** Probability of noise (white, pink or other voices), and between which signal-to-noise ratios in dB. */
    noise: share.default(0.6),
    leastRatio: z.number().default(5),
    mostRatio: z.number().default(40),
    /** Probability of a telephone: 300 to 3400 Hz, 8 kHz, µ-law. */
    telephone: share.default(0.1),
    /** Largest change of the level in dB, to either side. */
    gain: z.number().min(0).default(6),
    /** SpecAugment (Park et al. 2019): masks over time and over bands, and how much of a clip one takes at most. */
    timeMasks: z.int().min(0).default(2),
    timeMask: share.default(0.15),
    bandMasks: z.int().min(0).default(2),
    bandMask: share.default(0.2),
  })
  .prefault({})
  .refine(({ leastRatio, mostRatio }) => leastRatio <= mostRatio, {
    path: ['leastRatio'],
    error: 'must not be above mostRatio',
  });

const voice = z.strictObject({
  ...common,
  batchSize: count.default(16),
  /** 0 keeps the first weights and their linear probe. */
  epochs: z.int().min(0).default(8),
  averageDecay: decay.default(0.99),
  /** How many of the encoder's blocks are used and kept, from the first; null for all. */
  blocks: count.nullable().default(3),
  /**
   * What is pooled over time: `mean`, the normalised states of the last block; `statistics`, means and deviations of those
   * of every block, each standardised on the training clips.
   */
  pooling: z.enum(['mean', 'statistics']).default('mean'),
  /**
   * What the classifier starts from: `drawn` weights; or a linear `probe`, the logistic regression of the first weights'
   * embeddings of each training clip and of some augmented views of it, with the penalty ‖W‖² · `penalty` / 2.
   */
  classifier: z.enum(['drawn', 'probe']).default('drawn'),
  probe: z
    .strictObject({ penalty: z.number().positive().default(100), views: z.int().min(0).default(1) })
    .prefault({}),
  /** The first part that is trained: `conv1`, `conv2`, `layers.0`, … */
  from: z.string().default('conv1'),
  dropout: decay.default(0.1),
  /** Of longer clips, training hears an excerpt of so many seconds, drawn anew in every epoch. */
  maxSeconds: z.number().min(1).max(30).default(6),
  /** What RAVDESS's label calm counts as. */
  calm: z.enum(['neutral', 'drop']).default('neutral'),
  /** Corpora (`emodb`) and speakers (`ravdess/07`) that are left out altogether, to be tested on. */
  hold: z.array(z.string()).default([]),
  /** Corpora and speakers on whom the epoch is selected; drawn by the seed if none of them is there. */
  validation: z.array(z.string()).default([]),
  /** How often a clip of a corpus occurs in an epoch, on average; once if it is not named. */
  repeat: z.partialRecord(z.enum(SPEECH_CORPUS_NAMES), z.number().min(0)).default({}),
  /**
   * Share of each corpus's label frequencies that is removed from what the encoder learns (logit adjustment, Menon et
   * al. 2021); labels that a corpus does not have do not take part in its loss.
   */
  logitAdjustment: share.default(0.5),
  augmentation: hearing,
  optimizer: optimizer(1e-4, 0.01),
});

export type VoiceLearnSettings = z.output<typeof voice>;
export type FaceLearnSettings = z.output<typeof face>;
export type TextLearnSettings = z.output<typeof text>;

/** AdamW with warm-up and half a cosine. */
export const encoderOptimizer = ({
  optimizer,
}: Pick<FaceLearnSettings | TextLearnSettings | VoiceLearnSettings, 'optimizer'>): OptimizerSettings => ({
  ...optimizer,
  name: 'adamw',
  schedule: { name: 'cosine', warmup: optimizer.warmup },
});

export const faceLearnSettings = defineSettings<FaceLearnSettings>(face);
export const textLearnSettings = defineSettings<TextLearnSettings>(text);
export const voiceLearnSettings = defineSettings<VoiceLearnSettings>(voice);

const trained = z.object({ corpora: z.record(z.string(), z.object({ repeat: z.number() })).default({}) });

/** Names of the corpora that were trained on, from settings as in a record. */
export const trainedCorpora = (settings: unknown): string[] =>
  Object.entries(trained.parse(settings).corpora).flatMap(([name, { repeat }]) => (repeat > 0 ? [name] : []));
