// EfficientNet's variants as data: which blocks, how wide, how often. Widths and depths are scaled as published.
// Sources: Tan & Le 2019 (EfficientNet) and 2021 (EfficientNetV2); names and rounding as in timm, whose weights are read.
import { MienError, suggestion } from 'mien-engine/base';

/**
 * One block. `separable`: depthwise, then pointwise. `inverted`: pointwise expansion, depthwise, pointwise projection.
 * `fused`: k×k expansion, pointwise projection. `plain`: one k×k convolution.
 */
export interface Block {
  readonly kind: 'separable' | 'inverted' | 'fused' | 'plain';
  readonly kernel: number;
  readonly stride: number;
  readonly inputs: number;
  /** Channels inside the block, after expansion. */
  readonly expanded: number;
  readonly outputs: number;
  /** Channels of the squeeze-and-excite bottleneck; 0 for none. */
  readonly squeezed: number;
}

/** A whole network, before any weights. */
export interface EfficientNetConfig {
  readonly family: 'efficientnet';
  readonly architecture: string;
  /** Channels of the first convolution. */
  readonly stem: number;
  /** Blocks by stage. */
  readonly stages: readonly (readonly Block[])[];
  /** Width of the embedding. */
  readonly width: number;
  /** `same` is TensorFlow's padding, which depends on the image's size. */
  readonly padding: 'symmetric' | 'same';
  /** Batch norm's epsilon. */
  readonly epsilon: number;
}

type Stage = readonly [
  kind: Block['kind'],
  repeats: number,
  kernel: number,
  stride: number,
  expansion: number,
  outputs: number,
  squeezed: boolean,
];

interface Family {
  readonly stem: number;
  readonly stages: readonly Stage[];
  /** Scaled-down channels may fall below this part of their exact number. */
  readonly roundLimit: number;
}

const V1: Family = {
  stem: 32,
  roundLimit: 0.9,
  stages: [
    ['separable', 1, 3, 1, 1, 16, true],
    ['inverted', 2, 3, 2, 6, 24, true],
    ['inverted', 2, 5, 2, 6, 40, true],
    ['inverted', 3, 3, 2, 6, 80, true],
    ['inverted', 3, 5, 1, 6, 112, true],
    ['inverted', 4, 5, 2, 6, 192, true],
    ['inverted', 1, 3, 1, 6, 320, true],
  ],
};

const V2_BASE: Family = {
  stem: 32,
  roundLimit: 0,
  stages: [
    ['plain', 1, 3, 1, 1, 16, false],
    ['fused', 2, 3, 2, 4, 32, false],
    ['fused', 2, 3, 2, 4, 48, false],
    ['inverted', 3, 3, 2, 4, 96, true],
    ['inverted', 5, 3, 1, 6, 112, true],
    ['inverted', 8, 3, 2, 6, 192, true],
  ],
};

const V2_S: Family = {
  stem: 24,
  roundLimit: 0.9,
  stages: [
    ['plain', 2, 3, 1, 1, 24, false],
    ['fused', 4, 3, 2, 4, 48, false],
    ['fused', 4, 3, 2, 4, 64, false],
    ['inverted', 6, 3, 2, 4, 128, true],
    ['inverted', 9, 3, 1, 6, 160, true],
    ['inverted', 15, 3, 2, 6, 256, true],
  ],
};

/** Family, width multiplier, depth multiplier. */
const VARIANTS: Readonly<Record<string, readonly [Family, number, number]>> = {
  efficientnet_b0: [V1, 1, 1],
  efficientnet_b1: [V1, 1, 1.1],
  efficientnet_b2: [V1, 1.1, 1.2],
  efficientnet_b3: [V1, 1.2, 1.4],
  efficientnet_b4: [V1, 1.4, 1.8],
  efficientnet_b5: [V1, 1.6, 2.2],
  efficientnet_b6: [V1, 1.8, 2.6],
  efficientnet_b7: [V1, 2, 3.1],
  efficientnetv2_b0: [V2_BASE, 1, 1],
  efficientnetv2_b1: [V2_BASE, 1, 1.1],
  efficientnetv2_b2: [V2_BASE, 1.1, 1.2],
  efficientnetv2_b3: [V2_BASE, 1.2, 1.4],
  efficientnetv2_s: [V2_S, 1, 1],
};

/** timm's names of what can be built: plain ones for variants it trained itself, `tf_` for TensorFlow's weights. */
export const ARCHITECTURES: readonly string[] = Object.keys(VARIANTS).flatMap((name) =>
  /v2_b/.test(name) ? [`tf_${name}`] : [name, `tf_${name}`],
);

/** The nearest multiple of 8, but not less than 8, nor less than `limit` of the exact number. */
function roundChannels(channels: number, limit: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < limit * channels ? rounded + 8 : rounded;
}

/**
 * The network of this timm architecture name, such as `tf_efficientnetv2_b0`.
 * @throws MienError `weights` when the name is not among `ARCHITECTURES`.
 */
export function efficientNetConfig(architecture: string, file?: string): EfficientNetConfig {
  if (!ARCHITECTURES.includes(architecture))
    throw new MienError('weights', `there is no definition of the architecture "${architecture}"`, {
      ...(file === undefined ? {} : { file, field: 'architecture' }),
      hint: suggestion(architecture, ARCHITECTURES),
    });
  const tensorflow = architecture.startsWith('tf_');
  const [family, widthFactor, depthFactor] = VARIANTS[architecture.replace(/^tf_/, '')]!;
  const scale = (channels: number): number => roundChannels(channels * widthFactor, family.roundLimit);
  const stem = scale(family.stem);
  let inputs = stem;
  const stages = family.stages.map(([kind, repeats, kernel, stride, expansion, channels, squeezed]) =>
    Array.from({ length: Math.ceil(repeats * depthFactor) }, (_, i): Block => {
      const outputs = scale(channels);
      const block: Block = {
        kind,
        kernel,
        inputs,
        outputs,
        stride: i === 0 ? stride : 1,
        expanded: kind === 'separable' || kind === 'plain' ? inputs : roundChannels(inputs * expansion, 0.9),
        squeezed: squeezed ? Math.round(inputs / 4) : 0,
      };
      inputs = outputs;
      return block;
    }),
  );
  return {
    family: 'efficientnet',
    architecture,
    stem,
    stages,
    width: scale(1280),
    padding: tensorflow ? 'same' : 'symmetric',
    epsilon: tensorflow ? 1e-3 : 1e-5,
  };
}
