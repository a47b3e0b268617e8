// MobileFaceNet in training mode, in channel-major layout: the same tables and parameter names as the inference definition.
import {
  add,
  channelPrelu,
  depthwiseConv,
  matmul,
  type Parameters,
  pointwise,
  reshape,
  samePadding,
  scoped,
  spatialConv,
  staticShape,
  swapBatch,
  transpose,
  type Value,
} from 'mien-engine';
import {
  faceNetBlock,
  faceNetParameters,
  faceNetStem,
  globalBias,
  globalKernel,
  mobileFaceNetStages,
  type ApplyLayer,
  type MobileFaceNetConfig,
} from './mobilefacenet.js';

/** The parts that training can begin at, in order. */
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
 * The embedding `[n, width]` of normalised images `[n, 3, size, size]`; all sizes are known. Parts before `from` are
 * the inference definition. Norms are folded into the published weights, so that batches have no statistics.
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
