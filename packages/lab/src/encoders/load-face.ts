// Loads a face encoder: located weights and definition become something that embeds decoded images.
import { z } from 'zod';
import { MienError, type Tensor } from 'mien-engine/base';
import { readJson } from 'mien-engine/node';
import { efficientNetConfig } from './efficientnet-blocks.js';
import type { EncoderIdentity, FaceEncoder } from 'mien/parts';
import { createFaceEncoder, type FaceInput } from './face-encoder.js';
import { faceNetworkParameters, type FaceNetwork } from './face-network.js';
import type { LoadEncoderOptions } from './load-text.js';
import { mobileFaceNetConfig } from './mobilefacenet.js';
import { locatePretrained, WEIGHTS_FILE, type Pretrained, type PretrainedOptions } from './pretrained.js';
import type { FaceEncoderSpec } from './profiles.js';
import { readWeights } from './weights.js';

/** Classifiers, counters that only training reads, and MobileFaceNet's layers that tell people apart. */
const IGNORED = /^classifier\.|\.num_batches_tracked$|^(global_project|embedding)\.conv\./;
const triple = z.tuple([z.number(), z.number(), z.number()]);
/** What is read of a timm config.json. */
const schema = z.object({
  architecture: z.string(),
  pretrained_cfg: z.object({
    input_size: z.tuple([z.literal(3), z.int().positive(), z.int().positive()]),
    mean: triple,
    std: triple,
  }),
});

/**
 * Reads a parsed timm config.json.
 * @throws MienError `weights` that names the key when it is none, or of an architecture without definition.
 */
export function faceConfig(
  json: unknown,
  imageSize: FaceEncoderSpec['imageSize'],
  file?: string,
): { network: FaceNetwork; input: FaceInput } {
  const place = file === undefined ? {} : { file };
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new MienError('weights', issue!.message, {
      ...place,
      field: issue!.path.join('.'),
      hint: 'Face encoders are timm models, whose config.json has an architecture and a pretrained_cfg, or MobileFaceNet.',
    });
  }
  const { architecture, pretrained_cfg: published } = parsed.data;
  const size = imageSize === 'published' ? published.input_size[1] : imageSize;
  if (!Number.isInteger(size) || size < 32)
    throw new MienError('config', `${size} pixels are not a size of images that can be encoded`, {
      field: 'imageSize',
    });
  return {
    network:
      architecture === MOBILE_FACE_NET ? mobileFaceNetConfig() : efficientNetConfig(architecture, file),
    input: { size, mean: published.mean, std: published.std },
  };
}

const MOBILE_FACE_NET = 'mobilefacenet';

/** What tells MobileFaceNet's published config.json from timm's: a name and a table of blocks. */
const publishedMobileFaceNet = z.object({
  name: z.literal('MobileFaceNet'),
  input: z.object({ size: z.tuple([z.int().positive(), z.int().positive()]) }),
  blocks: z.array(z.unknown()),
});

/** A parsed config.json in timm's form; MobileFaceNet's own is translated. */
export function timmConfig(json: unknown): unknown {
  const published = publishedMobileFaceNet.safeParse(json);
  if (!published.success) return json;
  const [height, width] = published.data.input.size;
  // (pixel − 127.5) / 128
  const [mean, std] = [0.5, 128 / 255];
  return {
    architecture: MOBILE_FACE_NET,
    num_features: mobileFaceNetConfig().width,
    pretrained_cfg: {
      input_size: [3, height, width],
      mean: [mean, mean, mean],
      std: [std, std, std],
    },
  };
}

/** A published face encoder as its files say; weights are read when they are asked for. */
export interface PretrainedFace {
  readonly located: Pretrained;
  /** `config.json` in timm's form, and as far as it is read. */
  readonly json: unknown;
  readonly network: FaceNetwork;
  readonly input: FaceInput;
  weights(): Promise<Record<string, Tensor<'float32'>>>;
}

/**
 * @throws MienError `weights`, `format`, `file` or `offline` when files are missing, foreign or damaged; `config` when
 *   `imageSize` cannot be used.
 */
export async function readPretrainedFace(
  spec: FaceEncoderSpec,
  options: PretrainedOptions = {},
): Promise<PretrainedFace> {
  const located = await locatePretrained(spec, options);
  const configPath = await located.path('config.json');
  const json = timmConfig(await readJson(configPath));
  const { network, input: published } = faceConfig(json, spec.imageSize, configPath);
  const weights = async () =>
    readWeights(await located.path(WEIGHTS_FILE), {
      specs: faceNetworkParameters(network),
      ignored: IGNORED,
    });
  return { located, json, network, input: { ...published, mirror: spec.mirror ?? false }, weights };
}

/**
 * Loads a face encoder from a folder or the hub.
 * @throws MienError `weights`, `format`, `file` or `offline` when its files are missing, foreign or damaged; `config`
 *   when `imageSize` cannot be used.
 */
export async function loadFaceEncoder(
  spec: FaceEncoderSpec,
  options: LoadEncoderOptions = {},
): Promise<FaceEncoder> {
  const { located, network, input: faces, weights } = await readPretrainedFace(spec, options);
  const { size, mean, std, mirror } = faces;
  const identity: EncoderIdentity = {
    id: spec.id,
    revision: located.revision,
    sha256: located.sha256,
    dtype: 'float32',
    preprocessing: {
      architecture: network.architecture,
      imageSize: size,
      crop: 'none',
      resize: 'bicubic, antialiased, 8 bit',
      mean: mean.join(' '),
      std: std.join(' '),
      ...(mirror ? { mirror: 'mean of both mirror images' } : {}),
    },
  };
  return createFaceEncoder(network, faces, await weights(), identity, options.threads);
}
