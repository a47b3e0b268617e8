// EfficientNet and EfficientNetV2 on the graph, with parameters under timm's names.
// Sources: Tan & Le 2019, 2021; Hu et al. 2018 (squeeze-and-excite); layer order as in timm's `efficientnet.py`.
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
import type { Block, EfficientNetConfig } from './efficientnet-blocks.js';

interface ConvNorm {
  readonly outputs: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly depthwise?: boolean;
}

/**
 * Convolution and batch norm with the norm's stored statistics, folded into the kernel: both are linear, so one
 * convolution does. `[n, in, h, w]` → `[n, outputs, ⌈h / stride⌉, ⌈w / stride⌉]`.
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

/** Scales each channel by a gate computed from all channels' means. */
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

function block(p: Parameters, config: EfficientNetConfig, name: string, x: Value, layout: Block): Value {
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
 * Batch norms use their stored statistics.
 */
export function efficientNetMap(p: Parameters, config: EfficientNetConfig, images: Value): Value {
  const x = efficientNetStages(p, config, images, config.stages.length);
  return silu(convNorm(p, config, ['conv_head', 'bn2'], x, { outputs: config.width }));
}

/** Pooled embedding: the mean of the last feature map, `[n, width, h, w]` → `[n, width]`. */
export const poolMap = (map: Value): Value => reshape(globalAveragePool(map), map.shape.slice(0, 2));
