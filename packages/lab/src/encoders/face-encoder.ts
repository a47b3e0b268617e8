// A face encoder as sessions: from decoded images of any size to embeddings and feature maps.
import { defined } from 'mien-engine/base';
import {
  add,
  cast,
  constant,
  constantParameters,
  createGraph,
  createSession,
  encodeModel,
  float32,
  input,
  MienError,
  mul,
  type Parameters,
  resizeBicubic,
  type Session,
  sizeOf,
  tensor,
  type Tensor,
  type Tensors,
  transpose,
  type Value,
  zeros,
} from 'mien-engine';
import {
  type DecodedImage,
  type EncoderIdentity,
  type FaceEncoder,
  meanOfViews,
  VIEWS,
  viewsInput,
  viewsOf,
} from 'mien/parts';
import { faceNetwork, mapSide, type FaceNetwork } from './face-network.js';

/** Images of one run of the session; more at a time is not faster and takes more memory. */
const IMAGES_PER_RUN = 32;

/** How pixels become what the network was trained on. */
export interface FaceInput {
  /** Side in pixels. */
  readonly size: number;
  /** By channel, of values in [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Whether an embedding is the mean of those of the image and its mirror image. */
  readonly mirror?: boolean;
}

/**
 * From pixels, 8-bit RGB `[batch, height, width, 3]` of any size, to `resized`, 8 bit `[batch, 3, size, size]`, and
 * normalised `images` of the same shape. Resizing rounds to 8 bits as PIL does, within one grey level of it.
 */
export function prepareImages(
  pixels: Value,
  { size, mean, std }: FaceInput,
): { resized: Value; images: Value } {
  const resized = resizeBicubic(transpose(pixels, [0, 3, 1, 2]), [size, size]);
  const byChannel = (value: (channel: number) => number) =>
    constant(pixels.graph, float32([3, 1, 1], [0, 1, 2].map(value)));
  const images = add(
    mul(
      cast(resized, 'float32'),
      byChannel((c) => 1 / (255 * std[c]!)),
    ),
    byChannel((c) => -mean[c]! / std[c]!),
  );
  return { resized, images };
}

/** A session from `pixels` to what `prepareImages` makes of them. */
export function createPreprocessing(face: FaceInput, threads?: number): Promise<Session> {
  const graph = createGraph('preprocessing');
  const pixels = input(graph, 'pixels', 'uint8', ['batch', 'height', 'width', 3]);
  // Threads that spin after resizing would take the cores from the network, which runs next: 3.7 instead of 2.4 ms a face.
  return createSession(encodeModel(graph, prepareImages(pixels, face)), {
    ...defined({ threads }),
    spinning: false,
  });
}

/** A session from `images` and `views` to `embedding` `[batch, width]` and `map` `[passes, width, h, w]`. */
function createNetwork(
  network: FaceNetwork,
  { size }: FaceInput,
  weights: Tensors,
  threads: number | undefined,
): Promise<Session> {
  const graph = createGraph('face-encoder');
  const images = input(graph, 'images', 'float32', ['batch', 3, size, size]);
  const outputs = embedImages(constantParameters(graph, weights), network, images, viewsInput(graph));
  return createSession(encodeModel(graph, outputs), threads === undefined ? {} : { threads });
}

/**
 * The last feature maps of normalised images, one a pass, and the pooled embedding of each image. With `views`, an image
 * passes once for each of them, and its embedding is the mean.
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

/** @throws MienError `data` when an image's bytes are not those of its size. */
function checkImages(batch: readonly DecodedImage[]): void {
  for (const [i, { width, height, data }] of batch.entries())
    if (width < 1 || height < 1 || data.length !== width * height * 3)
      throw new MienError('data', `image ${i} of the batch, ${width}×${height}, has ${data.length} bytes`);
}

/** Runs of images that follow each other and have one size. */
export function bySize(batch: readonly DecodedImage[]): (readonly DecodedImage[])[] {
  const runs: DecodedImage[][] = [];
  for (const image of batch) {
    const last = runs.at(-1)?.[0];
    if (last?.width === image.width && last.height === image.height) runs.at(-1)!.push(image);
    else runs.push([image]);
  }
  return runs;
}

/** An encoder from its parts, for weights that are in memory. */
export async function createFaceEncoder(
  network: FaceNetwork,
  faces: FaceInput,
  weights: Tensors,
  identity: EncoderIdentity,
  threads?: number,
): Promise<FaceEncoder> {
  const preprocessing = await createPreprocessing(faces, threads);
  const session = await createNetwork(network, faces, weights, threads);
  const { width } = network;
  const { size } = faces;

  /** Normalised images `[n, 3, size, size]`. */
  const prepare = async (batch: readonly DecodedImage[]): Promise<Tensor<'float32'>> => {
    const out = new Float32Array(batch.length * 3 * size * size);
    let done = 0;
    for (const run of bySize(batch)) {
      const { height, width: across } = run[0]!;
      const pixels = new Uint8Array(run.length * height * across * 3);
      for (const [i, { data }] of run.entries()) pixels.set(data, i * data.length);
      const { images } = await preprocessing.run(
        { pixels: tensor('uint8', [run.length, height, across, 3], pixels) },
        ['images'],
      );
      out.set(images.data as Float32Array, done);
      done += images.data.length;
    }
    return float32([batch.length, 3, size, size], out);
  };

  const reduced = mapSide(network, size);
  const mirrored = faces.mirror ? VIEWS.both : VIEWS.own;
  const shapes = { embedding: [width], map: [width, reduced, reduced] };
  const run = async <const Output extends keyof typeof shapes>(
    batch: readonly DecodedImage[],
    views: Tensor,
    outputs: readonly Output[],
  ): Promise<Record<Output, Tensor<'float32'>>> => {
    checkImages(batch);
    const out = Object.fromEntries(
      outputs.map((output) => [output, zeros('float32', [batch.length, ...shapes[output]])]),
    ) as Record<Output, Tensor<'float32'>>;
    for (let start = 0; start < batch.length; start += IMAGES_PER_RUN) {
      const images = await prepare(batch.slice(start, start + IMAGES_PER_RUN));
      const result = await session.run({ images, views }, outputs);
      for (const output of outputs) {
        const rows = result[output].data as Float32Array;
        const row = sizeOf(shapes[output]);
        // Of an image that passes twice, the map of the first pass is its own.
        const step = output === 'map' ? row * views.data.length : row;
        for (let i = 0; i * step < rows.length; i++)
          out[output].data.set(rows.subarray(i * step, i * step + row), (start + i) * row);
      }
    }
    return out;
  };

  return {
    identity,
    width,
    encode: async (batch) => (await run(batch, mirrored, ['embedding'])).embedding,
    encodeMap: async (batch) => (await run(batch, VIEWS.own, ['map'])).map,
    async encodeBoth(batch) {
      const { embedding, map } = await run(batch, mirrored, ['embedding', 'map']);
      return { embeddings: embedding, states: map };
    },
    async dispose() {
      await preprocessing.dispose();
      await session.dispose();
    },
  };
}
