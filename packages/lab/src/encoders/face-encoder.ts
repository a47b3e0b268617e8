// Runs a face encoder: from decoded images of any size to embeddings and feature maps.
import { defined, zeros } from 'mien-engine/base';
import {
  add,
  cast,
  constant,
  constantParameters,
  createGraph,
  encodeModel,
  float32,
  input,
  MienError,
  mul,
  type Parameters,
  resizeBicubic,
  type Tensor,
  type Tensors,
  transpose,
  type Value,
} from 'mien-engine';
import { openSession, type OpenSession } from 'mien-engine/node';
import {
  type DecodedImage,
  encodeInRuns,
  type EncoderIdentity,
  type FaceEncoder,
  IMAGES_PER_RUN,
  meanOfViews,
  VIEWS,
  viewsInput,
  viewsOf,
} from 'mien/parts/encoders';
import { faceNetwork, mapSide, type FaceNetwork } from './face-network.js';
import { type Normalisation, writeResized } from './resize.js';

/** Where an encoder computes. */
export interface Computation {
  /** Threads of this process, or of each child process. */
  readonly threads?: number | undefined;
  /** Child processes that compute; 0 (the default) computes in this process. */
  readonly processes?: number | undefined;
}

/** Preprocessing: how pixels are converted to the network's input. */
export interface FaceInput {
  /** Side in pixels. */
  readonly size: number;
  /** Per channel, for values in [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Whether the embedding is the mean over the image and its mirror image. */
  readonly mirror?: boolean;
}

/**
 * Converts pixels, 8-bit RGB `[batch, height, width, 3]` of any size, to `resized`, 8-bit `[batch, 3, size, size]`, and
 * normalised `images` of the same shape. Resizing rounds to 8 bits, as PIL, and is within one grey level of it.
 */
export function prepareImages(pixels: Value, face: FaceInput): { resized: Value; images: Value } {
  const { size } = face;
  const resized = resizeBicubic(transpose(pixels, [0, 3, 1, 2]), [size, size]);
  const { scale, shift } = normalisationOf(face);
  const byChannel = (values: readonly number[]) => constant(pixels.graph, float32([3, 1, 1], values));
  const images = add(mul(cast(resized, 'float32'), byChannel(scale)), byChannel(shift));
  return { resized, images };
}

/** How bytes become the network's input. */
export const normalisationOf = ({ mean, std }: FaceInput): Normalisation => ({
  scale: std.map((value) => 1 / (255 * value)),
  shift: mean.map((value, channel) => -value / std[channel]!),
});

/** A session from `images` and `views` to `embedding` `[batch, width]` and `map` `[passes, width, h, w]`. */
function createNetwork(
  network: FaceNetwork,
  { size }: FaceInput,
  weights: Tensors,
  computation: Computation,
): Promise<OpenSession> {
  const graph = createGraph('face-encoder');
  const images = input(graph, 'images', 'float32', ['batch', 3, size, size]);
  const outputs = embedImages(constantParameters(graph, weights), network, images, viewsInput(graph));
  return openSession(encodeModel(graph, outputs), { ...defined(computation), extra: SHORT_SPINNING });
}

/**
 * Threads that wait spin for 200 µs, which is enough within a run, instead of until long after it, when files are read and
 * decoded; on a busy machine a face then takes a quarter less processor time.
 */
const SHORT_SPINNING = { 'session.intra_op.spin_duration_us': '200' };

/**
 * The last feature maps of normalised images, one per pass, and the pooled embedding of each image. With `views`, an
 * image is passed once per view, and its embedding is the mean.
 */
export function embedImages(
  p: Parameters,
  network: FaceNetwork,
  images: Value,
  views?: Value,
): { embedding: Value; map: Value } {
  const { map, embedding: pooled } = faceNetwork(p, network, views ? viewsOf(images, views) : images);
  if (!views) return { embedding: pooled, map };
  return { embedding: meanOfViews(pooled, images, views), map };
}

/** @throws MienError `data` if the number of bytes does not match the size of an image */
function checkImages(batch: readonly DecodedImage[]): void {
  for (const [i, { width, height, data }] of batch.entries())
    if (width < 1 || height < 1 || data.length !== width * height * 3)
      throw new MienError('data', `image ${i} of the batch, ${width}×${height}, has ${data.length} bytes`);
}

/** An encoder from weights in memory. */
export async function createFaceEncoder(
  network: FaceNetwork,
  faces: FaceInput,
  weights: Tensors,
  identity: EncoderIdentity,
  computation: Computation = {},
): Promise<FaceEncoder> {
  const session = await createNetwork(network, faces, weights, computation);
  const { width } = network;
  const { size } = faces;

  const normalisation = normalisationOf(faces);
  /** The network's input, as `prepareImages` would compute it. */
  const prepared = (batch: readonly DecodedImage[]): Tensor<'float32'> => {
    const images = zeros('float32', [batch.length, 3, size, size]);
    for (const [i, image] of batch.entries())
      writeResized(image, size, normalisation, images.data, i * 3 * size * size);
    return images;
  };
  const reduced = mapSide(network, size);
  const mirrored = faces.mirror ? VIEWS.both : VIEWS.own;
  const run = <const Output extends 'embedding' | 'map'>(
    batch: readonly DecodedImage[],
    views: Tensor,
    outputs: readonly Output[],
  ) => {
    checkImages(batch);
    return encodeInRuns(batch, {
      most: IMAGES_PER_RUN,
      parallel: session.parallel,
      // If an image is passed twice, the map of the first pass is that of the image itself.
      shapes: { embedding: [width], map: [width, reduced, reduced] },
      outputs,
      run: (some) => session.run({ images: prepared(some), views }, outputs),
    });
  };

  return {
    identity,
    width,
    parallel: session.parallel,
    encode: async (batch) => (await run(batch, mirrored, ['embedding'])).embedding,
    encodeMap: async (batch) => (await run(batch, VIEWS.own, ['map'])).map,
    async encodeBoth(batch) {
      const { embedding, map } = await run(batch, mirrored, ['embedding', 'map']);
      return { embeddings: embedding, states: map };
    },
    dispose: () => session.dispose(),
  };
}
