// The models of a bundle: encoders with their classifiers as ONNX files, small enough to download, and the fusion head.
import { defined } from 'mien-engine/base';
import {
  add,
  cast,
  constant,
  constantParameters,
  createGraph,
  encodeModel,
  float32,
  float32ToFloat16,
  type Graph,
  input,
  linear,
  type Parameters,
  tensor,
  type Tensor,
  type Tensors,
  type Value,
} from 'mien-engine';
import { bert, type BertConfig, poolTokens, quantizedParameters } from '../encoders/bert.js';
import { embedImages, type FaceInput, prepareImages } from '../encoders/face-encoder.js';
import type { FaceNetwork } from '../encoders/face-network.js';
import type { Pooling } from '../encoders/profiles.js';
import type { Modality } from 'mien/parts/bundle';
import { viewsInput } from 'mien/parts/encoders';
import { buildHead, type HeadName, type HeadSizes } from '../heads/heads.js';
import { CLASSIFIER, FINE_CLASSIFIER, PUBLISHED_CLASSIFIER } from '../learn/classifier.js';
import { standardizeRows, type Standardization } from '../train/standardize.js';
import type { DecisionHead } from './decision.js';

/** How weights are stored. */
export type Precision = 'float32' | 'small';

/** What turns embeddings `[batch, width]` into logits. */
export type Top = (embedding: Value) => Value;

/** The classifier that an encoder was trained with. */
export const linearTop =
  (weights: Tensors, classes: number, classifier = CLASSIFIER): Top =>
  (embedding) =>
    linear(constantParameters(embedding.graph, weights), classifier, embedding, classes);

/** The second classifier of a text encoder. */
export const fineTop = (weights: Tensors, classes: number): Top =>
  linearTop(weights, classes, FINE_CLASSIFIER);

/** The second classifier that a face encoder was trained with, where there is one. */
export const publishedTop = (weights: Tensors, classes: number): Top | undefined =>
  `${PUBLISHED_CLASSIFIER}.weight` in weights ? linearTop(weights, classes, PUBLISHED_CLASSIFIER) : undefined;

/** A head of one modality, trained on the embeddings of a frozen encoder. */
export const headTop =
  (modality: 'text' | 'face', sizes: HeadSizes, standardization: Standardization, parameters: Tensors): Top =>
  (embedding) => {
    const rows = standardizeRows(embedding, standardization);
    return buildHead(constantParameters(embedding.graph, parameters), modality, { [modality]: rows }, sizes)
      .logits;
  };

/** Tensors smaller than this stay float32: they are many but small. */
const SMALL = 1024;

/** Large tensors as float16 with a Cast, which ONNX Runtime folds when it loads the model. */
export function halfParameters(graph: Graph, tensors: Tensors): Parameters {
  const plain = constantParameters(graph, tensors);
  const halves = new Map<string, Value>();
  return {
    ...plain,
    get: (name, shape, init) => {
      const found = tensors[name];
      if (found === undefined || found.data.length < SMALL) return plain.get(name, shape, init);
      plain.get(name, shape, init); // for its checks
      const half = halves.get(name) ?? cast(constant(graph, asHalf(found as Tensor<'float32'>)), 'float32');
      halves.set(name, half);
      return half;
    },
  };
}

const storedParameters = (graph: Graph, tensors: Tensors, precision: Precision): Parameters =>
  precision === 'small' ? halfParameters(graph, tensors) : constantParameters(graph, tensors);

const asHalf = ({ shape, data }: Tensor<'float32'>): Tensor =>
  tensor('float16', shape, float32ToFloat16(data));

/**
 * From `ids` `[batch, tokens]`, int32, texts of one length, to `embedding` `[batch, width]` and `logits`, and `fine`
 * where there is a second classifier. Linear layers compute in integers (seven-bit weights, activations quantised as
 * they come).
 */
export function textModel(
  config: BertConfig,
  weights: Tensors,
  pooling: Pooling,
  top: Top,
  precision: Precision = 'small',
  fine?: Top,
): Uint8Array {
  const graph = createGraph('text');
  const ids = input(graph, 'ids', 'int32', ['batch', 'tokens']);
  const p = precision === 'small' ? quantizedParameters(graph, weights) : constantParameters(graph, weights);
  const embedding = poolTokens(bert(p, config, { ids }), pooling);
  // Classifiers stay float32: they are small, and their rounding would be the posterior's.
  return encodeModel(graph, {
    embedding,
    logits: top(embedding),
    ...(fine ? { fine: fine(embedding) } : {}),
  });
}

/** What a bundle's model contains of a learned text encoder. */
export interface TextWeights {
  readonly config: BertConfig;
  readonly weights: Tensors;
  readonly pooling: Pooling;
  readonly labels: readonly string[];
  /** Labels of the second classifier, if there is one. */
  readonly fine?: readonly string[] | undefined;
}

/** The model of a learned text encoder with its own classifiers. */
export const learnedTextModel = (
  { config, weights, pooling, labels, fine }: TextWeights,
  precision?: Precision,
): Uint8Array =>
  textModel(
    config,
    weights,
    pooling,
    linearTop(weights, labels.length),
    precision,
    fine && fineTop(weights, fine.length),
  );

/**
 * From `pixels`, 8-bit RGB `[batch, height, width, 3]` of any size, to `embedding` `[batch, width]` and `logits`:
 * resizing and normalising are part of the model. With `face.mirror` there is an input `views` `[views]`, int64: `[0,
 * 1]` for the mean of the embeddings of the image and its mirror image, `[0]` for the image's alone in half the time. A
 * second classifier's logits are the output `published`.
 */
export function faceModel(
  network: FaceNetwork,
  face: FaceInput,
  weights: Tensors,
  top: Top,
  precision: Precision = 'small',
  second?: Top,
): Uint8Array {
  const graph = createGraph('face');
  const pixels = input(graph, 'pixels', 'uint8', ['batch', 'height', 'width', 3]);
  const { images } = prepareImages(pixels, face);
  const p = storedParameters(graph, weights, precision);
  const { embedding } = embedImages(p, network, images, face.mirror ? viewsInput(graph) : undefined);
  const published = second?.(embedding);
  return encodeModel(graph, { embedding, logits: top(embedding), ...defined({ published }) });
}

/** What a bundle's model contains of a learned face encoder. */
export interface FaceWeights {
  readonly network: FaceNetwork;
  readonly input: FaceInput;
  readonly weights: Tensors;
  readonly labels: readonly string[];
}

/** The model of a learned face encoder with its own classifiers. */
export const learnedFaceModel = (
  { network, input: face, weights, labels }: FaceWeights,
  precision?: Precision,
): Uint8Array =>
  faceModel(
    network,
    face,
    weights,
    linearTop(weights, labels.length),
    precision,
    publishedTop(weights, labels.length),
  );

export interface FusionParts {
  readonly head: HeadName;
  readonly sizes: HeadSizes;
  readonly widths: Readonly<Partial<Record<Modality, number>>>;
  /** Of each modality that the head fuses. */
  readonly standardization: Readonly<Partial<Record<Modality, Standardization>>>;
  /** Added to the logits `[labels]`: from the prior of the training pairs to the one that the bundle answers under. */
  readonly shift?: readonly number[];
}

/**
 * The fusion head of a decision: embeddings are standardised first; of two the gate is the face's share in each
 * dimension.
 */
export const fusionHead =
  (
    { head, sizes, standardization, shift }: FusionParts,
    parameters: Tensors,
    precision: Precision = 'small',
  ): DecisionHead =>
  (embeddings) => {
    const { graph } = Object.values(embeddings)[0]!;
    const rows = Object.fromEntries(
      Object.entries(embeddings).map(([modality, rows]) => [
        modality,
        standardizeRows(rows, standardization[modality as Modality]!),
      ]),
    );
    const { logits, gate, gates } = buildHead(
      storedParameters(graph, parameters, precision),
      head,
      rows,
      sizes,
    );
    const moved = shift ? add(logits, constant(graph, float32([1, shift.length], shift))) : logits;
    return { logits: moved, ...defined({ gate, gates }) };
  };
