// MobileFaceNet on the graph, for inference and in training: a small network trained for face recognition, with folded
// batch norms.
// Source: Chen et al. 2018 (MobileFaceNets), as in sirius-ai/MobileFaceNet_TF; names as in the files of its weights.
import {
  add,
  channelPrelu,
  constant,
  constantInit,
  conv2d,
  depthwiseConv,
  float32,
  gemm,
  matmul,
  normalInit,
  type Parameters,
  pointwise,
  relu,
  reshape,
  samePadding,
  scoped,
  spatialConv,
  staticShape,
  sub,
  swapBatch,
  transpose,
  type Value,
} from 'mien-engine';

/** Pointwise expansion, depthwise 3×3, pointwise projection; the input is added if the stride is 1. */
interface FaceNetBlock {
  readonly name: string;
  readonly stride: number;
  readonly inputs: number;
  readonly expanded: number;
  readonly outputs: number;
}

export interface MobileFaceNetConfig {
  readonly family: 'mobilefacenet';
  readonly architecture: string;
  /** Channels of the stem. */
  readonly stem: number;
  readonly stages: readonly (readonly FaceNetBlock[])[];
  /** Channels of the last map, and width of the embedding. */
  readonly width: number;
  /** Side of the global depthwise kernel. */
  readonly pool: number;
}

/** Number of blocks, channels inside them, output channels, stride of the first block. */
const STAGES = [
  [5, 128, 64, 2],
  [1, 256, 128, 2],
  [6, 256, 128, 1],
  [1, 512, 128, 2],
  [2, 256, 128, 1],
] as const;

const STEM = 64;

/** The network as published, for 112 px and a last map of 7×7. */
export function mobileFaceNetConfig(): MobileFaceNetConfig {
  let inputs: number = STEM;
  const stages = STAGES.map(([count, expanded, outputs, stride], s) =>
    Array.from({ length: count }, (_, b): FaceNetBlock => {
      const block = { name: `stage${s + 1}.${b}`, stride: b === 0 ? stride : 1, inputs, expanded, outputs };
      inputs = outputs;
      return block;
    }),
  );
  return { family: 'mobilefacenet', architecture: 'mobilefacenet', stem: STEM, stages, width: 512, pool: 7 };
}

/** One of the network's convolutions. */
interface FaceNetLayer {
  readonly outputs: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly depthwise?: boolean;
  /** Whether a PReLU follows. */
  readonly activation?: boolean;
}

/** Kernel, bias and slopes of a layer, under the published names. */
function faceNetParameters(
  p: Parameters,
  name: string,
  inputs: number,
  { outputs, kernel = 1, depthwise = false, activation = true }: FaceNetLayer,
): { weight: Value; bias: Value; slope: Value | undefined } {
  const inner = depthwise ? 1 : inputs;
  const spread = normalInit(Math.sqrt(2 / (kernel * kernel * inner)));
  return {
    weight: p.get(`${name}.conv.weight`, [outputs, inner, kernel, kernel], spread),
    bias: p.get(`${name}.conv.bias`, [outputs], constantInit(0)),
    slope: activation ? p.get(`${name}.prelu.weight`, [outputs], constantInit(0.25)) : undefined,
  };
}

/** Applies a layer, in one of the layouts of images. */
type ApplyLayer = (name: string, x: Value, layer: FaceNetLayer) => Value;

/** The stem: images → maps at half their side. */
function faceNetStem(layer: ApplyLayer, { stem }: MobileFaceNetConfig, images: Value): Value {
  let x = layer('stem', images, { outputs: stem, kernel: 3, stride: 2 });
  x = layer('stem_depthwise', x, { outputs: stem, kernel: 3, depthwise: true });
  return layer('stem_project', x, { outputs: stem, activation: false });
}

/** One block; `add` joins the branch with the input. */
function faceNetBlock(layer: ApplyLayer, block: FaceNetBlock, x: Value): Value {
  const { name, stride, expanded, outputs } = block;
  let y = layer(`${name}.expand`, x, { outputs: expanded });
  y = layer(`${name}.depthwise`, y, { outputs: expanded, kernel: 3, stride, depthwise: true });
  y = layer(`${name}.project`, y, { outputs, activation: false });
  return stride === 1 ? add(y, x) : y;
}

/**
 * PReLU as slope · x + (1 − slope) · max(x, 0), with the factors as 1×1 convolutions: ONNX Runtime then keeps its blocked
 * layout, while its own PRelu leaves it and takes several times as long.
 */
function imagePrelu(x: Value, slope: Value): Value {
  const [channels] = staticShape(slope.shape) as [number];
  const scaled = (value: Value, factor: Value): Value =>
    conv2d(value, reshape(factor, [channels, 1, 1, 1]), { groups: channels });
  return add(scaled(x, slope), scaled(relu(x), sub(1, slope)));
}

/** Convolution and PReLU on `[n, in, h, w]`. */
const imageLayer =
  (p: Parameters): ApplyLayer =>
  (name, x, layer) =>
    scoped(p.graph, name, () => {
      const [inputs, height, width] = staticShape(x.shape.slice(1)) as [number, number, number];
      const { kernel = 1, stride = 1, depthwise = false } = layer;
      const { weight, bias, slope } = faceNetParameters(p, name, inputs, layer);
      const y = conv2d(x, weight, {
        bias,
        stride,
        groups: depthwise ? inputs : 1,
        padding: samePadding([height, width], kernel, stride),
      });
      return slope ? imagePrelu(y, slope) : y;
    });

/** The stem and the first `count` stages: normalised images `[n, 3, size, size]` → `[n, channels, h, w]`. */
function mobileFaceNetStages(
  p: Parameters,
  config: MobileFaceNetConfig,
  images: Value,
  count: number,
): Value {
  const layer = imageLayer(p);
  return config.stages
    .slice(0, count)
    .flat()
    .reduce((x, block) => faceNetBlock(layer, block, x), faceNetStem(layer, config, images));
}

/** Up to the last feature map: normalised images `[n, 3, size, size]` → `[n, width, size / 16, size / 16]`. */
export function mobileFaceNetMap(p: Parameters, config: MobileFaceNetConfig, images: Value): Value {
  const x = mobileFaceNetStages(p, config, images, config.stages.length);
  return imageLayer(p)('head', x, { outputs: config.width });
}

/**
 * The global depthwise kernel for a map of `side` × `side`: `[width, side²]`. The published one is 7×7; for other image
 * sizes it is resampled, which is a product with a constant.
 */
function globalKernel(p: Parameters, { width, pool }: MobileFaceNetConfig, side: number): Value {
  const init = constantInit(1 / (pool * pool));
  const kernel = p.get('global_depthwise.conv.weight', [width, 1, pool, pool], init);
  const flat = reshape(kernel, [width, pool * pool]);
  return side === pool ? flat : gemm(flat, constant(p.graph, resampling(pool, side)));
}

const globalBias = (p: Parameters, { width }: MobileFaceNetConfig): Value =>
  p.get('global_depthwise.conv.bias', [width], constantInit(0));

/** Pooled embedding by the global depthwise kernel: `[n, width, h, h]` → `[n, width]`. */
export function mobileFaceNetPool(p: Parameters, config: MobileFaceNetConfig, map: Value): Value {
  const { width } = config;
  const [side] = staticShape(map.shape.slice(2)) as [number];
  const weight = reshape(globalKernel(p, config, side), [width, 1, side, side]);
  return reshape(conv2d(map, weight, { bias: globalBias(p, config), groups: width }), [map.shape[0]!, width]);
}

/**
 * `[from², to²]`: converts a kernel on a grid of from×from to one of to×to that gives the same result on maps stretched
 * alike. Weights are distributed by the overlap of areas, so that their sum is preserved.
 */
function resampling(from: number, to: number) {
  const along = (i: number, j: number): number =>
    Math.max(0, Math.min((i + 1) / from, (j + 1) / to) - Math.max(i / from, j / to)) * from;
  const data = new Float32Array(from * from * to * to);
  for (let y = 0; y < from; y++)
    for (let x = 0; x < from; x++)
      for (let v = 0; v < to; v++)
        for (let u = 0; u < to; u++) data[(y * from + x) * to * to + v * to + u] = along(y, v) * along(x, u);
  return float32([from * from, to * to], data);
}

// Training mode, in channel-major layout.

/** The parts at which training can start, in order. */
export const mobileFaceNetParts = ({ stages }: MobileFaceNetConfig): string[] => [
  'stem',
  ...stages.map((_, s) => `stage${s + 1}`),
  'head',
];

export const mobileFaceNetPartOf = (name: string): string =>
  /^stage\d+/.exec(name)?.[0] ?? (name.startsWith('stem') ? 'stem' : 'head');

/** Convolution, bias and PReLU: `[in, n, h, w]` → `[outputs, n, h', w']`. */
const channelMajorLayer =
  (p: Parameters): ApplyLayer =>
  (name, x, layer) =>
    scoped(p.graph, name, () => {
      const [inputs, , height, width] = staticShape(x.shape) as [number, number, number, number];
      const { outputs, kernel = 1, stride = 1, depthwise = false } = layer;
      const { weight, bias, slope } = faceNetParameters(p, name, inputs, layer);
      const byChannel = (vector: Value): Value => reshape(vector, [outputs, 1, 1, 1]);
      const padding = samePadding([height, width], kernel, stride);
      const y =
        kernel === 1
          ? pointwise(x, weight, bias)
          : add((depthwise ? depthwiseConv : spatialConv)(x, weight, { stride, padding }), byChannel(bias));
      return slope ? channelPrelu(y, slope) : y;
    });

/**
 * The embedding `[n, width]` of normalised images `[n, 3, size, size]` of static shape. Parts before `from` use the
 * inference definition. Norms are folded into the published weights, so that there are no batch statistics.
 */
export function mobileFaceNetTraining(
  p: Parameters,
  config: MobileFaceNetConfig,
  images: Value,
  { from = 'stem' }: { readonly from?: string } = {},
): Value {
  const { stages, width } = config;
  const layer = channelMajorLayer(p);
  const first = mobileFaceNetParts(config).indexOf(from) - 1;
  let x =
    first < 0
      ? faceNetStem(layer, config, swapBatch(images))
      : swapBatch(mobileFaceNetStages(p, config, images, first));
  for (const block of stages.slice(Math.max(first, 0)).flat()) x = faceNetBlock(layer, block, x);
  const map = layer('head', x, { outputs: width });
  const [, n, side] = staticShape(map.shape) as [number, number, number];
  const kernel = reshape(globalKernel(p, config, side), [width, side * side, 1]);
  const pooled = reshape(matmul(reshape(map, [width, n, side * side]), kernel), [width, n]);
  return transpose(add(pooled, reshape(globalBias(p, config), [width, 1])));
}
