// What a training of voices starts from besides published weights: the statistics of embeddings standardised on the training
// clips, and the classifier of a linear probe.
import { float32, randomStream, type Tensors } from 'mien-engine/base';
import { type Progress, silentProgress } from 'mien/parts/base';
import { SAMPLE_RATE } from '../encoders/log-mel.js';
import { poolOf, unscaledPool } from '../encoders/whisper.js';
import { fitLogistic } from '../train/logistic.js';
import { standardization, type Standardization, standardizeInPlace } from '../train/standardize.js';
import { CLASSIFIER } from './classifier.js';
import { repeatsOf } from './encoder-task.js';
import type { VoiceLearnSettings } from './settings.js';
import { augmentVoice, drawVoice, noiseSources } from './voice-augmentation.js';
import { heardBy, voiceEncoder, type VoiceModel } from './voice-model.js';
import { voiceTargets, type VoiceSet } from './voice-task.js';

export interface StartOptions {
  readonly threads?: number | undefined;
  readonly progress?: Progress | undefined;
}

/**
 * The weights with what statistics are standardised by: on the training clips, each gets the mean 0 and the deviation 1.
 * With the classifier `probe`, it is the logistic regression of the embeddings of the clips and of augmented views of them,
 * under the loss of the training: an encoder whose classifier is already good is changed less (Kumar et al. 2022).
 * Otherwise the classifier is left as it is.
 */
export async function startOf(
  model: VoiceModel,
  weights: Tensors,
  settings: VoiceLearnSettings,
  training: VoiceSet,
  { threads, progress = silentProgress }: StartOptions = {},
): Promise<Tensors> {
  const { config } = model;
  const probe = settings.classifier === 'probe' ? settings.probe : undefined;
  if (config.pooling === undefined && probe === undefined) return weights;
  const unscaled = config.pooling === undefined ? {} : unscaledPool(config);
  const encoder = await voiceEncoder(model, { ...weights, ...unscaled }, threads);
  const views = 1 + (probe?.views ?? 0);
  const count = training.clips.length;
  const { width } = encoder;
  const rows = new Float32Array(views * count * width);
  progress.begin('embed clips', views * count, 'clips');
  try {
    for (const [row, clip] of viewsOf(training.clips, settings, views)) {
      const [heard] = heardBy(encoder, [clip]);
      rows.set((await encoder.encode([heard!])).data, row * width);
      progress.advance();
    }
  } finally {
    progress.end();
    await encoder.dispose();
  }
  const all = Array.from({ length: views * count }, (_, row) => row);
  const standard = standardization(float32([all.length, width], rows), all);
  const pooled = config.pooling === undefined ? {} : poolOf(standard.mean, standard.scale);
  if (probe === undefined) return { ...weights, ...pooled };
  standardizeInPlace(rows, standard);
  const { targetOf, offsetsOf, weightOf } = voiceTargets(training, settings, model.classes);
  const repeated = (of: (item: number) => ArrayLike<number>) =>
    Float32Array.from(all.flatMap((row) => Array.from(of(row % count))));
  const { weight, bias } = await fitLogistic(
    {
      rows: float32([all.length, width], rows),
      targets: float32([all.length, model.classes], repeated(targetOf)),
      offsets: float32([all.length, model.classes], repeated(offsetsOf)),
      weights: float32(
        [all.length],
        repeated((item) => [(weightOf(item) * repeatsOf(settings, training.corpora[item]!)) / views]),
      ),
      penalty: probe.penalty,
    },
    threads,
  );
  const classifier = { weight: weight.data, bias: bias.data };
  // The encoder itself standardises statistics only.
  if (config.pooling === undefined) unstandardize(classifier, standard);
  return {
    ...weights,
    ...pooled,
    [`${CLASSIFIER}.weight`]: float32(weight.shape, classifier.weight),
    [`${CLASSIFIER}.bias`]: float32(bias.shape, classifier.bias),
  };
}

/** The clips as they are, then each of their augmented views, numbered. */
function* viewsOf(
  clips: readonly Float32Array[],
  { seed, augmentation, maxSeconds }: VoiceLearnSettings,
  views: number,
): Generator<readonly [number, Float32Array]> {
  yield* clips.entries();
  if (views === 1) return;
  const sources = noiseSources(seed, clips);
  for (let view = 1; view < views; view++)
    for (const [i, clip] of clips.entries()) {
      const drawn = drawVoice(randomStream(seed, `learn voice view ${view}`, i), augmentation);
      const heard = augmentVoice(clip, drawn, sources).subarray(0, maxSeconds * SAMPLE_RATE);
      yield [view * clips.length + i, heard];
    }
}

/** Makes a classifier of standardised embeddings one of embeddings as they are. */
function unstandardize(
  { weight, bias }: { readonly weight: Float32Array; readonly bias: Float32Array },
  { mean, scale }: Standardization,
): void {
  const width = mean.length;
  for (let c = 0; c < bias.length; c++)
    for (let k = 0; k < width; k++) {
      weight[c * width + k]! *= scale[k]!;
      bias[c]! -= weight[c * width + k]! * mean[k]!;
    }
}
