// Loads a face encoder: located weights and definition become something that embeds decoded images.
import { z } from 'zod';
import { MienError } from '../base/errors.js';
import { readJson } from '../base/files.js';
import type { Tensor } from '../base/tensor.js';
import { input } from '../graph/builder.js';
import { collectParameters, type ParameterSpec } from '../nn/parameters.js';
import { efficientNetMap } from './efficientnet.js';
import { efficientNetConfig, type EfficientNetConfig } from './efficientnet-blocks.js';
import type { EncoderIdentity, FaceEncoder } from './encoder.js';
import { createFaceEncoder, type FaceInput } from './face-encoder.js';
import type { LoadOptions } from './load-text.js';
import { locatePretrained, WEIGHTS_FILE, type Pretrained, type PretrainedOptions } from './pretrained.js';
import type { FaceEncoderSpec } from './profiles.js';
import { readWeights } from './weights.js';

/** The classifier that is replaced, and counters that only training reads. */
const IGNORED = /^classifier\.|\.num_batches_tracked$/;
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
): { network: EfficientNetConfig; input: FaceInput } {
  const place = file === undefined ? {} : { file };
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new MienError('weights', issue!.message, {
      ...{ ...place, field: issue!.path.join('.') },
      hint: 'Face encoders are timm models: their config.json has an architecture and a pretrained_cfg.',
    });
  }
  const { architecture, pretrained_cfg: published } = parsed.data;
  const size = imageSize === 'published' ? published.input_size[1] : imageSize;
  if (!Number.isInteger(size) || size < 32)
    throw new MienError('config', `${size} pixels are not a size of images that can be encoded`, {
      field: 'imageSize',
    });
  return {
    network: efficientNetConfig(architecture, file),
    input: { size, mean: published.mean, std: published.std },
  };
}

/** Names and shapes of an EfficientNet's parameters. */
export const efficientNetParameters = (config: EfficientNetConfig): ParameterSpec[] =>
  collectParameters((p) => efficientNetMap(p, config, input(p.graph, 'images', 'float32', [1, 3, 32, 32])));

/** A published face encoder as its files say; weights are read when they are asked for. */
export interface PretrainedFace {
  readonly located: Pretrained;
  /** `config.json` as it is, and as far as it is read. */
  readonly json: unknown;
  readonly network: EfficientNetConfig;
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
  const json = await readJson(configPath);
  const { network, input: published } = faceConfig(json, spec.imageSize, configPath);
  const weights = async () =>
    readWeights(await located.path(WEIGHTS_FILE), {
      specs: efficientNetParameters(network),
      ignored: IGNORED,
    });
  return { located, json, network, input: { ...published, mirror: spec.mirror ?? false }, weights };
}

/**
 * Loads an EfficientNet encoder from a folder or the hub.
 * @throws MienError `weights`, `format`, `file` or `offline` when its files are missing, foreign or damaged; `config`
 *   when `imageSize` cannot be used.
 */
export async function loadFaceEncoder(
  spec: FaceEncoderSpec,
  options: LoadOptions = {},
): Promise<FaceEncoder> {
  const { located, network, input: faces, weights } = await readPretrainedFace(spec, options);
  const { size, mean, std, mirror } = faces;
  const identity: EncoderIdentity = {
    id: spec.id,
    revision: located.revision,
    sha256: located.sha256,
    dtype: 'float32',
    preprocessing: {
      ...{
        architecture: network.architecture,
        imageSize: size,
        crop: 'none',
        resize: 'bicubic, antialiased, 8 bit',
      },
      ...{ mean: mean.join(' '), std: std.join(' ') },
      ...(mirror ? { mirror: 'mean of both mirror images' } : {}),
    },
  };
  return createFaceEncoder(network, faces, await weights(), identity, options.threads);
}
