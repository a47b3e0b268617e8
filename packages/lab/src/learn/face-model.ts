// A face encoder with a classifier, in training and on decoded images.
import {
  add,
  argMax,
  cast,
  defined,
  dropout,
  equal,
  gather,
  linear,
  mul,
  reshape,
  softCrossEntropy,
  sub,
  sum,
  type Tensors,
  type Value,
} from 'mien-engine';
import { createFaceEncoder, type FaceInput } from '../encoders/face-encoder.js';
import type { DecodedImage } from 'mien/parts/encoders';
import { type FaceNetwork, faceNetworkTraining } from '../encoders/face-network.js';
import { augment } from './augmentation.js';
import { CLASSIFIER, classify, PUBLISHED_CLASSIFIER } from './classifier.js';
import { defineTrainee, type Trainee } from '../train/step.js';
import type { FaceLearnSettings } from './settings.js';

export interface FaceModel {
  readonly network: FaceNetwork;
  readonly input: FaceInput;
  readonly classes: number;
}

/** The network and its classifier on batches of images, which are augmented first. */
export function faceTrainee(
  { network, input, classes }: FaceModel,
  settings: FaceLearnSettings,
  size: number,
): Trainee {
  const { batchSize: n, keptSize, mixup } = settings;
  return defineTrainee({
    batch: {
      pixels: { dtype: 'uint8', shape: [n, 3, keptSize, keptSize] },
      affine: { dtype: 'float32', shape: [n, 2, 3] },
      colour: { dtype: 'float32', shape: [n, 3, 4] },
      erase: { dtype: 'float32', shape: [n, 4] },
      targets: { dtype: 'float32', shape: [n, classes] },
      weights: { dtype: 'float32', shape: [n] },
      ...(settings.logitAdjustment > 0 ? { offsets: { dtype: 'float32', shape: [n, classes] } } : {}),
      ...(settings.publishedLabels > 0 ? { published: { dtype: 'float32', shape: [n, classes] } } : {}),
      seed: { dtype: 'int32', shape: [] },
      ...(mixup > 0
        ? { partner: { dtype: 'int64', shape: [n] }, share: { dtype: 'float32', shape: [n] } }
        : {}),
    },
    build: (p, batch) => {
      const { pixels, affine, colour, erase, targets, weights, seed, partner, share } = batch;
      const alone = augment(pixels, { affine, colour, erase }, size, input);
      const images = partner && share ? mixed(alone, partner, share) : alone;
      const { embedding, statistics } = faceNetworkTraining(p, network, images, {
        ...defined({ from: settings.from ?? undefined }),
        dropPath: settings.dropPath,
        seed,
      });
      const kept = dropout(embedding, settings.dropout, { seed, place: CLASSIFIER });
      const even = linear(p, CLASSIFIER, kept, classes);
      const logits = batch.offsets ? add(even, batch.offsets) : even;
      const loss = softCrossEntropy(logits, targets, weights);
      // Rows of zeros, where there is no such label, add nothing.
      const second =
        batch.published && softCrossEntropy(linear(p, PUBLISHED_CLASSIFIER, kept, classes), batch.published);
      return {
        loss: second ? add(loss, mul(second, settings.publishedLabels)) : loss,
        hits: sum(cast(equal(argMax(logits), argMax(targets)), 'float32')),
        statistics,
      };
    },
  });
}

/** share · x + (1 − share) · the partner's x, for each image (mixup, Zhang et al. 2018). */
function mixed(x: Value, partner: Value, share: Value): Value {
  const own = reshape(share, [share.shape[0]!, 1, 1, 1]);
  return add(mul(x, own), mul(gather(x, partner), sub(1, own)));
}

/** A classifier of decoded images, by weights in memory; with `mirror`, embeddings are means over image and mirror image. */
export async function faceClassifier(
  { network, input, classes }: FaceModel,
  weights: Tensors,
  options: { readonly mirror?: boolean; readonly threads?: number | undefined } = {},
) {
  const faces = { ...input, mirror: options.mirror === true };
  const identity = {
    id: 'in training',
    revision: 'local',
    sha256: '',
    dtype: 'float32' as const,
    preprocessing: {},
  };
  const encoder = await createFaceEncoder(network, faces, weights, identity, {
    threads: options.threads,
  });
  return {
    /** Embeddings `[n, width]`. */
    embed: async (images: readonly DecodedImage[]): Promise<Float32Array> =>
      (await encoder.encode(images)).data,
    /** Logits `[n, classes]`. */
    logits: async (images: readonly DecodedImage[]): Promise<Float32Array> =>
      classify((await encoder.encode(images)).data, weights, classes),
    dispose: () => encoder.dispose(),
  };
}
