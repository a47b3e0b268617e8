// EfficientNet and EfficientNetV2 in training mode: batch statistics, stochastic depth, and fast gradients. Block tables
// and parameter names are those of the inference definition, which reads the trained weights.
// Sources: Tan & Le 2019, 2021; layer order and stochastic depth as in timm's `efficientnet.py`.
import {
  add,
  batchNorm,
  channelAffine,
  constantInit,
  depthwiseConv,
  dropPath,
  expand,
  gemm,
  mean,
  MienError,
  mul,
  normalInit,
  type Parameters,
  pointwise,
  pullback,
  reshape,
  samePadding,
  scalar,
  scoped,
  sigmoid,
  silu,
  spatialConv,
  staticShape,
  suggestion,
  sum,
  swapBatch,
  symmetricPadding,
  transpose,
  updateRunning,
  type Value,
  withGradient,
} from 'mien-engine';
import { type BlockLayout, type EfficientNetConfig, efficientNetStages } from './efficientnet.js';

export interface EfficientNetTrainingOptions {
  /**
   * The first trained part: `conv_stem` (the whole network, the default), `blocks.0`, …, `conv_head`. Earlier parts use
   * the inference definition, with stored statistics.
   */
  readonly from?: string;
  /** Probability of dropping the last block's residual branch; it grows linearly from 0 at the first. */
  readonly dropPath?: number;
  /** int32 scalar, different in every step; required if `dropPath` is above 0. */
  readonly seed?: Value;
  /** Weight of a batch's statistics in the running averages. */
  readonly momentum?: number;
}

export interface EfficientNetTraining {
  /** Pooled embedding `[n, width]`. */
  readonly embedding: Value;
  /** Running averages after this batch, by parameter name. */
  readonly statistics: Readonly<Record<string, Value>>;
}

/** Whether a parameter is a running average, which receives no gradient. */
export const isStatistic = (name: string): boolean => /\.running_(mean|var)$/.test(name);

/** The parts at which training can start, in order. */
export const trainableParts = ({ stages }: EfficientNetConfig): string[] => [
  'conv_stem',
  ...stages.map((_, s) => `blocks.${s}`),
  'conv_head',
];

/** The part of a parameter. */
export const trainablePartOf = (name: string): string =>
  /^blocks\.\d+/.exec(name)?.[0] ?? (/^(conv_stem|bn1)\./.test(name) ? 'conv_stem' : 'conv_head');

/**
 * Whether a weight is trained if training starts at `from`.
 * @throws MienError `weights` if there is no such part
 */
export function isTrainedFrom(config: EfficientNetConfig, from: string): (name: string) => boolean {
  const trained = trainedFrom(config.architecture, trainableParts(config), trainablePartOf, from);
  return (name) => !isStatistic(name) && trained(name);
}

/**
 * Whether a weight is trained if training starts at the part `from` of an architecture.
 * @throws MienError `weights` if there is no such part
 */
export function trainedFrom(
  architecture: string,
  parts: readonly string[],
  partOf: (name: string) => string,
  from: string,
): (name: string) => boolean {
  const first = parts.indexOf(from);
  if (first < 0)
    throw new MienError('weights', `${architecture} has no part "${from}" to train from`, {
      hint: suggestion(from, parts),
    });
  return (name) => parts.indexOf(partOf(name)) >= first;
}

/** Shared by all layers of a training graph. */
interface Context {
  readonly p: Parameters;
  readonly config: EfficientNetConfig;
  readonly momentum: number;
  readonly statistics: Record<string, Value>;
}

interface Layer {
  readonly outputs: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly depthwise?: boolean;
  readonly silu?: boolean;
}

/** Convolution, batch norm and SiLU: `[in, n, h, w]` → `[outputs, n, h', w']`. */
function convNorm(
  { p, config, momentum, statistics }: Context,
  [conv, norm]: readonly [string, string],
  x: Value,
  { outputs, kernel = 1, stride = 1, depthwise = false, silu: activate = true }: Layer,
): Value {
  return scoped(p.graph, conv, () => {
    const [inputs, , height, width] = staticShape(x.shape) as [number, number, number, number];
    const inner = depthwise ? 1 : inputs;
    const spread = normalInit(Math.sqrt(2 / (kernel * kernel * (depthwise ? 1 : outputs))));
    const weight = p.get(`${conv}.weight`, [outputs, inner, kernel, kernel], spread);
    const padding =
      config.padding === 'same' ? samePadding([height, width], kernel, stride) : symmetricPadding(kernel);
    const convolved =
      kernel === 1
        ? pointwise(x, weight)
        : (depthwise ? depthwiseConv : spatialConv)(x, weight, { stride, padding });
    const normed = batchNorm(
      convolved,
      p.get(`${norm}.weight`, [outputs], constantInit(1)),
      p.get(`${norm}.bias`, [outputs], constantInit(0)),
      { epsilon: config.epsilon, silu: activate },
    );
    const names = { mean: `${norm}.running_mean`, variance: `${norm}.running_var` };
    const running = updateRunning(
      normed.statistics,
      {
        mean: p.get(names.mean, [outputs], constantInit(0)),
        variance: p.get(names.variance, [outputs], constantInit(1)),
      },
      momentum,
    );
    statistics[names.mean] = running.mean;
    statistics[names.variance] = running.variance;
    return normed.y;
  });
}

/**
 * Scales each channel of `[channels, n, h, w]` by a gate computed from the means of all channels of an item. The
 * gradient of the means is added to that of the product without first repeating it at every position.
 */
function squeezeExcite({ p }: Context, name: string, x: Value, squeezed: number): Value {
  return scoped(p.graph, name, () => {
    const [channels, batch, ...size] = staticShape(x.shape) as [number, number, number, number];
    const positions = size[0] * size[1];
    const maps = reshape(x, [channels, batch, positions]);
    const dense = (layer: string, value: Value, outputs: number): [Value, Value, Value] => {
      const inputs = staticShape(value.shape)[0]!;
      const init = normalInit(Math.sqrt(2 / outputs));
      const weight = p.get(`${name}.${layer}.weight`, [outputs, inputs, 1, 1], init);
      const bias = p.get(`${name}.${layer}.bias`, [outputs], constantInit(0));
      const product = gemm(reshape(weight, [outputs, inputs]), value, { add: reshape(bias, [outputs, 1]) });
      return [product, weight, bias];
    };
    const means = mean(maps, [2]);
    const [reduced, ...reduction] = dense('conv_reduce', means, squeezed);
    const [expanded, ...expansion] = dense('conv_expand', silu(reduced), channels);
    const gate = sigmoid(expanded);
    const weights = [...reduction, ...expansion];
    /** Each map times its gate, plus a number: one pass, while broadcasting along such short rows is slow. */
    const gated = (value: Value, added: Value): Value => {
      const rows = reshape(value, [channels * batch, positions]);
      const [scale, shift] = [gate, added].map((each) => reshape(each, [channels * batch]));
      return reshape(channelAffine(rows, scale!, shift!), maps.shape);
    };
    const nothing = expand(scalar(x.graph, 0), gate.shape);
    const y = withGradient([maps, ...weights], gated(maps, nothing), (dy) => {
      const [dMeans, ...dWeights] = pullback(gate, sum(mul(dy, maps), [2]), [means, ...weights]);
      return [gated(dy, mul(dMeans!, 1 / positions)), ...dWeights];
    });
    return reshape(y, x.shape);
  });
}

function block(
  context: Context,
  name: string,
  x: Value,
  layout: BlockLayout,
  drop: (branch: Value) => Value,
): Value {
  const { kind, kernel, stride, inputs, expanded, outputs, squeezed } = layout;
  const layer = (conv: string, norm: string, value: Value, options: Layer): Value =>
    convNorm(context, [`${name}.${conv}`, `${name}.${norm}`], value, options);
  const excite = (value: Value): Value =>
    squeezed === 0 ? value : squeezeExcite(context, `${name}.se`, value, squeezed);

  let y: Value;
  if (kind === 'plain') y = layer('conv', 'bn1', x, { outputs, kernel, stride });
  else if (kind === 'fused') {
    y = layer('conv_exp', 'bn1', x, { outputs: expanded, kernel, stride });
    y = layer('conv_pwl', 'bn2', excite(y), { outputs, silu: false });
  } else if (kind === 'separable') {
    y = layer('conv_dw', 'bn1', x, { outputs: inputs, kernel, stride, depthwise: true });
    y = layer('conv_pw', 'bn2', excite(y), { outputs, silu: false });
  } else {
    y = layer('conv_pw', 'bn1', x, { outputs: expanded });
    y = layer('conv_dw', 'bn2', y, { outputs: expanded, kernel, stride, depthwise: true });
    y = layer('conv_pwl', 'bn3', excite(y), { outputs, silu: false });
  }
  return stride === 1 && inputs === outputs ? add(drop(y), x) : y;
}

/**
 * The network in training mode on normalised images `[n, 3, size, size]` of static shape. Batch norms of the trained
 * parts use the statistics of the batch; updated running averages are returned beside the embedding.
 * @throws MienError `weights` if there is no part `from`, or if stochastic depth has no seed
 */
export function efficientNetTraining(
  p: Parameters,
  config: EfficientNetConfig,
  images: Value,
  options: EfficientNetTrainingOptions = {},
): EfficientNetTraining {
  const { from = 'conv_stem', dropPath: rate = 0, seed, momentum = 0.1 } = options;
  isTrainedFrom(config, from);
  if (rate > 0 && seed === undefined) throw new MienError('weights', 'stochastic depth needs a seed');
  const statistics: Record<string, Value> = {};
  const context: Context = { p, config, momentum, statistics };
  const first = from === 'conv_head' ? config.stages.length : Math.max(Number(from.split('.')[1] ?? 0), 0);
  const total = config.stages.flat().length;

  let x =
    from === 'conv_stem'
      ? convNorm(context, ['conv_stem', 'bn1'], swapBatch(images), {
          outputs: config.stem,
          kernel: 3,
          stride: 2,
        })
      : swapBatch(efficientNetStages(p, config, images, first));
  let index = config.stages.slice(0, first).flat().length;
  for (const [s, stage] of config.stages.entries()) {
    if (s < first) continue;
    for (const [b, layout] of stage.entries()) {
      const name = `blocks.${s}.${b}`;
      const share = (rate * index++) / total;
      x = block(context, name, x, layout, (branch) =>
        seed === undefined ? branch : dropPath(branch, share, { seed, place: name }),
      );
    }
  }
  const map = convNorm(context, ['conv_head', 'bn2'], x, { outputs: config.width });
  return { embedding: transpose(mean(map, [2, 3])), statistics };
}
