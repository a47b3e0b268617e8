// Face networks behind one interface, whatever their family.
import { collectParameters, input, type Parameters, type ParameterSpec, type Value } from 'mien-engine';
import { type EfficientNetConfig, efficientNetMap, poolMap } from './efficientnet.js';
import {
  efficientNetTraining,
  isStatistic,
  trainablePartOf,
  trainableParts,
  trainedFrom,
  type EfficientNetTraining,
  type EfficientNetTrainingOptions,
} from './efficientnet-training.js';
import {
  type MobileFaceNetConfig,
  mobileFaceNetMap,
  mobileFaceNetPartOf,
  mobileFaceNetParts,
  mobileFaceNetPool,
  mobileFaceNetTraining,
} from './mobilefacenet.js';

export type FaceNetwork = EfficientNetConfig | MobileFaceNetConfig;

/** Layers on the graph and parts in training of a family of networks. */
interface Family<Config> {
  /** The last feature map of normalised images: `[n, 3, size, size]` → `[n, width, h, w]`. */
  readonly map: (p: Parameters, config: Config, images: Value) => Value;
  /** Pooled embedding of the map, `[n, width]`. */
  readonly pool: (p: Parameters, config: Config, map: Value) => Value;
  /** Pixels along a side per position of the map. */
  readonly reduction: number;
  readonly training: (
    p: Parameters,
    config: Config,
    images: Value,
    options: EfficientNetTrainingOptions,
  ) => EfficientNetTraining;
  /** The parts at which training can start, in order, and the part of a parameter. */
  readonly parts: (config: Config) => readonly string[];
  readonly partOf: (name: string) => string;
}

const efficientNet: Family<EfficientNetConfig> = {
  map: efficientNetMap,
  pool: (_p, _config, map) => poolMap(map),
  reduction: 32,
  training: efficientNetTraining,
  parts: trainableParts,
  partOf: trainablePartOf,
};

const mobileFaceNet: Family<MobileFaceNetConfig> = {
  map: mobileFaceNetMap,
  pool: mobileFaceNetPool,
  reduction: 16,
  training: (p, config, images, options) => ({
    embedding: mobileFaceNetTraining(p, config, images, options),
    statistics: {},
  }),
  parts: mobileFaceNetParts,
  partOf: mobileFaceNetPartOf,
};

const familyOf = ({ family }: FaceNetwork): Family<FaceNetwork> =>
  (family === 'mobilefacenet' ? mobileFaceNet : efficientNet) as Family<FaceNetwork>;

/** The last feature map of normalised images `[n, 3, size, size]`, `[n, width, h, w]`, and their pooled embedding. */
export function faceNetwork(
  p: Parameters,
  network: FaceNetwork,
  images: Value,
): { map: Value; embedding: Value } {
  const { map: mapOf, pool } = familyOf(network);
  const map = mapOf(p, network, images);
  return { map, embedding: pool(p, network, map) };
}

/** Positions along a side of the last map for images of this size. */
export const mapSide = (network: FaceNetwork, size: number): number =>
  Math.ceil(size / familyOf(network).reduction);

/** Names and shapes of the network's parameters. */
export const faceNetworkParameters = (network: FaceNetwork): ParameterSpec[] =>
  collectParameters((p) => faceNetwork(p, network, input(p.graph, 'images', 'float32', [1, 3, 32, 32])));

/** The network in training mode on normalised images `[n, 3, size, size]`; see `efficientNetTraining`. */
export const faceNetworkTraining = (
  p: Parameters,
  network: FaceNetwork,
  images: Value,
  options: EfficientNetTrainingOptions,
): EfficientNetTraining => familyOf(network).training(p, network, images, options);

/** The parts at which training can start, in order. */
export const facePartsOf = (network: FaceNetwork): readonly string[] => familyOf(network).parts(network);

/** The part of a parameter. */
export const facePartOf = (network: FaceNetwork, name: string): string => familyOf(network).partOf(name);

/**
 * Whether a weight is trained if training starts at the part `from` (null: the first one). Slopes of PReLUs are only
 * trained with `slopes`: their gradients take a seventh of a step.
 * @throws MienError `weights` if there is no such part
 */
export function isFaceTrainedFrom(
  network: FaceNetwork,
  { from, slopes = false }: { readonly from: string | null; readonly slopes?: boolean },
): (name: string) => boolean {
  const { parts, partOf } = familyOf(network);
  const names = parts(network);
  const trained = trainedFrom(network.architecture, names, partOf, from ?? names[0]!);
  const isSlope = (name: string): boolean => name.endsWith('.prelu.weight');
  return (name) => !isStatistic(name) && (slopes || !isSlope(name)) && trained(name);
}

/** Whether weight decay applies: to kernels and matrices, not to scales, shifts, slopes and biases. */
export const faceDecays = (name: string): boolean =>
  name.endsWith('.weight') && !/(^|\.)(bn\d|prelu)\./.test(name);
