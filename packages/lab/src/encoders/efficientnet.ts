// EfficientNet and EfficientNetV2: the variants as tables of blocks, scaled as published, and the network on the graph.
// Sources: Tan & Le 2019, 2021; Hu et al. 2018 (squeeze-and-excite); names, rounding and layer order as in timm's
// `efficientnet.py`, whose weights are read.
import {
  add,
  constantInit,
  conv2d,
  div,
  globalAveragePool,
  mul,
  normalInit,
  type Parameters,
  reshape,
  samePadding,
  scoped,
  sigmoid,
  silu,
  sqrt,
  staticShape,
  sub,
  symmetricPadding,
  type Value,
} from 'mien-engine';
import { MienError, suggestion } from 'mien-engine/base';

/**
 * One block. `separable`: depthwise, then pointwise. `inverted`: pointwise expansion, depthwise, pointwise projection.
 * `fused`: k×k expansion, pointwise projection. `plain`: one k×k convolution.
 */
export interface BlockLayout {
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

/** The definition of a network, without weights. */
export interface EfficientNetConfig {
  readonly family: 'efficientnet';
  readonly architecture: string;
  /** Channels of the first convolution. */
  readonly stem: number;
  /** Blocks by stage. */
  readonly stages: readonly (readonly BlockLayout[])[];
  /** Width of the embedding. */
  readonly width: number;
  /** `same` is TensorFlow's padding, which depends on the image size. */
  readonly padding: 'symmetric' | 'same';
  /** Batch norm's epsilon. */
  readonly epsilon: number;
}

type Stage = readonly [
  kind: BlockLayout['kind'],
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
  /** Rounded channels may not fall below this share of their exact number. */
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

/** timm's names of the defined architectures: without prefix for variants trained by timm, `tf_` for TensorFlow's weights. */
export const ARCHITECTURES: readonly string[] = Object.keys(VARIANTS).flatMap((name) =>
  /v2_b/.test(name) ? [`tf_${name}`] : [name, `tf_${name}`],
);

/** The nearest multiple of 8, at least 8 and at least `limit` of the exact number. */
function roundChannels(channels: number, limit: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < limit * channels ? rounded + 8 : rounded;
}

/**
 * The network of a timm architecture name such as `tf_efficientnetv2_b0`.
 * @throws MienError `weights` if the name is not in `ARCHITECTURES`
 */
export function efficientNetConfig(architecture: string, file?: string): EfficientNetConfig {
  if (!ARCHITECTURES.includes(architecture))
    throw new MienError('weights', `there is no definition of the architecture "${architecture}"`, {
      ...(file !== undefined && { file, field: 'architecture' }),
      hint: suggestion(architecture, ARCHITECTURES),
    });
  const tensorflow = architecture.startsWith('tf_');
  const [family, widthFactor, depthFactor] = VARIANTS[architecture.replace(/^tf_/, '')]!;
  const scale = (channels: number): number => roundChannels(channels * widthFactor, family.roundLimit);
  const stem = scale(family.stem);
  let inputs = stem;
  const stages = family.stages.map(([kind, repeats, kernel, stride, expansion, channels, squeezed]) =>
    Array.from({ length: Math.ceil(repeats * depthFactor) }, (_, i): BlockLayout => {
      const outputs = scale(channels);
      const block: BlockLayout = {
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

interface ConvNorm {
  readonly outputs: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly depthwise?: boolean;
}

/**
 * Convolution and batch norm with stored statistics; both are linear, so the norm is folded into the kernel.
 * `[n, in, h, w]` → `[n, outputs, ⌈h / stride⌉, ⌈w / stride⌉]`.
 */
function convNorm(
  p: Parameters,
  { padding, epsilon }: EfficientNetConfig,
  [conv, norm]: readonly [string, string],
  x: Value,
  { outputs, kernel = 1, stride = 1, depthwise = false }: ConvNorm,
): Value {
  return scoped(p.graph, conv, () => {
    const [inputs, height, width] = staticShape(x.shape.slice(1)) as [number, number, number];
    const inner = depthwise ? 1 : inputs;
    const spread = normalInit(Math.sqrt(2 / (kernel * kernel * (depthwise ? 1 : outputs))));
    const weight = p.get(`${conv}.weight`, [outputs, inner, kernel, kernel], spread);
    const [scale, shift, mean, variance] = [
      p.get(`${norm}.weight`, [outputs], constantInit(1)),
      p.get(`${norm}.bias`, [outputs], constantInit(0)),
      p.get(`${norm}.running_mean`, [outputs], constantInit(0)),
      p.get(`${norm}.running_var`, [outputs], constantInit(1)),
    ];
    const factor = div(scale, sqrt(add(variance, epsilon)));
    return conv2d(x, mul(weight, reshape(factor, [outputs, 1, 1, 1])), {
      bias: sub(shift, mul(mean, factor)),
      stride,
      groups: depthwise ? inputs : 1,
      padding: padding === 'same' ? samePadding([height, width], kernel, stride) : symmetricPadding(kernel),
    });
  });
}

/** Scales each channel by a gate computed from the means of all channels. */
function squeezeExcite(p: Parameters, name: string, x: Value, squeezed: number): Value {
  return scoped(p.graph, name, () => {
    const channels = staticShape([x.shape[1]!])[0]!;
    const pointwise = (layer: string, value: Value, inputs: number, outputs: number): Value =>
      conv2d(
        value,
        p.get(`${name}.${layer}.weight`, [outputs, inputs, 1, 1], normalInit(Math.sqrt(2 / outputs))),
        {
          bias: p.get(`${name}.${layer}.bias`, [outputs], constantInit(0)),
        },
      );
    const reduced = silu(pointwise('conv_reduce', globalAveragePool(x), channels, squeezed));
    return mul(x, sigmoid(pointwise('conv_expand', reduced, squeezed, channels)));
  });
}

function block(
  p: Parameters,
  config: EfficientNetConfig,
  name: string,
  x: Value,
  layout: BlockLayout,
): Value {
  const { kind, kernel, stride, inputs, expanded, outputs, squeezed } = layout;
  const layer = (conv: string, norm: string, value: Value, options: ConvNorm): Value =>
    convNorm(p, config, [`${name}.${conv}`, `${name}.${norm}`], value, options);
  const excite = (value: Value): Value =>
    squeezed === 0 ? value : squeezeExcite(p, `${name}.se`, value, squeezed);

  let y: Value;
  if (kind === 'plain') y = silu(layer('conv', 'bn1', x, { outputs, kernel, stride }));
  else if (kind === 'fused') {
    y = silu(layer('conv_exp', 'bn1', x, { outputs: expanded, kernel, stride }));
    y = layer('conv_pwl', 'bn2', excite(y), { outputs });
  } else if (kind === 'separable') {
    y = silu(layer('conv_dw', 'bn1', x, { outputs: inputs, kernel, stride, depthwise: true }));
    y = layer('conv_pw', 'bn2', excite(y), { outputs });
  } else {
    y = silu(layer('conv_pw', 'bn1', x, { outputs: expanded }));
    y = silu(layer('conv_dw', 'bn2', y, { outputs: expanded, kernel, stride, depthwise: true }));
    y = layer('conv_pwl', 'bn3', excite(y), { outputs });
  }
  return stride === 1 && inputs === outputs ? add(y, x) : y;
}

/** The stem and the first `count` stages of blocks: normalised images `[n, 3, size, size]` → `[n, channels, h, w]`. */
export function efficientNetStages(
  p: Parameters,
  config: EfficientNetConfig,
  images: Value,
  count: number,
): Value {
  let x = silu(
    convNorm(p, config, ['conv_stem', 'bn1'], images, { outputs: config.stem, kernel: 3, stride: 2 }),
  );
  for (const [s, stage] of config.stages.slice(0, count).entries())
    for (const [b, layout] of stage.entries()) x = block(p, config, `blocks.${s}.${b}`, x, layout);
  return x;
}

/**
 * The network up to its last feature map: normalised images `[n, 3, size, size]` → `[n, width, h, w]`.
 * Batch norms use stored statistics.
 */
export function efficientNetMap(p: Parameters, config: EfficientNetConfig, images: Value): Value {
  const x = efficientNetStages(p, config, images, config.stages.length);
  return silu(convNorm(p, config, ['conv_head', 'bn2'], x, { outputs: config.width }));
}

/** Pooled embedding: the mean of the last feature map, `[n, width, h, w]` → `[n, width]`. */
export const poolMap = (map: Value): Value => reshape(globalAveragePool(map), map.shape.slice(0, 2));
