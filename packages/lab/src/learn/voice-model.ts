// A voice encoder with its classifier: in training on batches of padded clips, and afterwards on clips of any length.
import {
  add,
  argMax,
  cast,
  dropout,
  equal,
  less,
  linear,
  mul,
  softCrossEntropy,
  sum,
  type Tensors,
} from 'mien-engine';
import { createVoiceEncoder, type VoiceEncoder } from '../encoders/load-voice.js';
import { logMelOfBatch, samplesOfBatch } from '../encoders/log-mel.js';
import { embedStates, whisper, type WhisperConfig } from '../encoders/whisper.js';
import { defineTrainee, type Trainee } from '../train/step.js';
import { CLASSIFIER, classify } from './classifier.js';
import type { VoiceLearnSettings } from './settings.js';
import { maskSpectrogram } from './voice-augmentation.js';

export interface VoiceModel {
  /** Of the blocks that are used. */
  readonly config: WhisperConfig;
  readonly classes: number;
}

/** The encoder and its classifier on batches of clips of at most so many frames. */
export function voiceTrainee(
  { config, classes }: VoiceModel,
  settings: VoiceLearnSettings,
  frames: number,
): Trainee {
  const { batchSize: n, dropout: rate, augmentation } = settings;
  const { timeMasks, bandMasks } = augmentation;
  return defineTrainee({
    batch: {
      // As `reflected` lays them out.
      samples: { dtype: 'float32', shape: [n, samplesOfBatch(frames)] },
      frames: { dtype: 'int32', shape: [n] },
      ...(timeMasks > 0 ? { timeMasks: { dtype: 'float32', shape: [n, timeMasks, 2] } } : {}),
      ...(bandMasks > 0 ? { bandMasks: { dtype: 'float32', shape: [n, bandMasks, 2] } } : {}),
      targets: { dtype: 'float32', shape: [n, classes] },
      // Added to the logits: excludes labels that the corpus cannot give, and adjusts for its label frequencies.
      offsets: { dtype: 'float32', shape: [n, classes] },
      weights: { dtype: 'float32', shape: [n] },
      seed: { dtype: 'int32', shape: [] },
    },
    build: (p, batch) => {
      const { samples, frames: lengths, targets, offsets, weights, seed } = batch;
      const mel = logMelOfBatch(samples, lengths, config.bands);
      const masked = maskSpectrogram(mel, { timeMasks: batch.timeMasks, bandMasks: batch.bandMasks });
      const states = whisper(p, config, masked, config.layers, lengths);
      const embedding = dropout(embedStates(p, config, states, lengths), rate, { seed, place: CLASSIFIER });
      const logits = add(linear(p, CLASSIFIER, embedding, classes), offsets);
      const hits = cast(equal(argMax(logits), argMax(targets)), 'float32');
      // Rows that fill up a batch have no weight.
      const isClip = cast(less(0, weights), 'float32');
      return {
        loss: softCrossEntropy(logits, targets, weights),
        hits: sum(mul(hits, isClip)),
      };
    },
  });
}

/** A voice encoder of weights in memory. */
export const voiceEncoder = (
  { config }: Pick<VoiceModel, 'config'>,
  weights: Tensors,
  threads?: number,
): Promise<VoiceEncoder> =>
  createVoiceEncoder(
    config,
    weights,
    { id: 'in training', revision: 'local', sha256: '', dtype: 'float32', preprocessing: {} },
    threads === undefined ? {} : { threads },
  );

/** The clips as far as an encoder hears them. */
export const heardBy = ({ maxSamples }: VoiceEncoder, clips: readonly Float32Array[]): Float32Array[] =>
  clips.map((clip) => clip.subarray(0, maxSamples));

/** Logits `[n, classes]` of clips at 16 kHz, each computed at its own length; longer ones are cut at the longest. */
export async function voiceLogits(
  model: VoiceModel,
  weights: Tensors,
  clips: readonly Float32Array[],
  threads?: number,
): Promise<Float32Array> {
  const encoder = await voiceEncoder(model, weights, threads);
  try {
    return classify((await encoder.encode(heardBy(encoder, clips))).data, weights, model.classes);
  } finally {
    await encoder.dispose();
  }
}
