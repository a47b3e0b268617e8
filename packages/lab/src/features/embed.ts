// Encodes the items of one shard: texts in batches of equal length, images decoded while the encoder runs, recordings
// one by one.
//
// A row must not depend on the other items of its batch, so that one changed item can be recomputed alone: texts of a
// batch have the same number of tokens (without padding), and images are independent. Rounding may still depend on the
// *size* of the batch. ONNX Runtime 1.30 rounds differently for a batch of one (it uses other code paths for attention
// and matrix products), but equally for two and more, so that a single item is encoded twice in one batch. `fillStore`
// checks whether this holds when it reuses rows.
import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import {
  defined,
  forEachParallel,
  inBatches,
  indicesBy,
  itemsAt,
  MienError,
  sizeOf,
  type Tensor,
} from 'mien-engine/base';
import { fileError } from 'mien-engine/node';
import type { Modality } from 'mien/parts/bundle';
import type { FaceImage } from 'mien/parts/data';
import type {
  DecodedImage,
  EncodedBoth,
  EncoderIdentity,
  FaceEncoder,
  TextEncoder,
} from 'mien/parts/encoders';
import type { VoiceEncoder } from '../encoders/load-voice.js';
import type { States } from './format.js';
import type { EncodedRow } from './shard.js';

interface EncodeHooks {
  /** Called after each batch with its number of items. */
  advance(count: number): void;
  /** Stops encoding between two batches. */
  readonly signal?: AbortSignal | undefined;
}

/** An encoder and its kind of items, as needed to fill a store. */
export interface Embedder<Item extends { readonly id: string }> {
  readonly kind: Modality;
  /** Unit of progress messages. */
  readonly unit: 'texts' | 'faces' | 'clips';
  readonly identity: EncoderIdentity;
  readonly width: number;
  readonly states: States;
  readonly shardSize: number;
  readonly batchSize: number;
  /** The bytes that determine the item's row; the data modules identify items by their SHA-256. */
  content(item: Item): Promise<Uint8Array>;
  /** One of the candidates (indices into `items`) with the largest batch. */
  witness(items: readonly Item[], candidates: readonly number[]): number;
  /** Rows of the items, in order; `contents` as returned by `content`. @throws MienError `interrupted` */
  encode(items: readonly Item[], contents: readonly Uint8Array[], hooks: EncodeHooks): Promise<EncodedRow[]>;
}

/** @throws MienError `interrupted` if the signal has been aborted */
export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new MienError('interrupted', 'extraction was interrupted', {
      hint: 'Finished shards are kept; run the same command again to resume.',
    });
}

/** A copy of element `index` along the first axis. */
function slice(value: Tensor<'float32'>, index: number): { shape: readonly number[]; data: Float32Array } {
  const shape = value.shape.slice(1);
  const size = sizeOf(shape);
  return { shape, data: value.data.slice(index * size, (index + 1) * size) };
}

/** A batch of at least two items: a single one is duplicated (see the top of this file). */
const atLeastTwo = <T>(batch: readonly T[]): readonly T[] =>
  batch.length === 1 ? [batch[0]!, batch[0]!] : batch;

/** Embeddings of a batch and, if requested, its states. */
async function encoded<Input>(
  encoder: {
    encode(batch: readonly Input[]): Promise<Tensor<'float32'>>;
    encodeBoth?(batch: readonly Input[]): Promise<EncodedBoth>;
  },
  batch: readonly Input[],
  states: false | (() => Promise<Tensor<'float32'>>),
): Promise<{ readonly embeddings: Tensor<'float32'>; readonly states?: Tensor<'float32'> }> {
  if (!states) return { embeddings: await encoder.encode(batch) };
  return (
    (await encoder.encodeBoth?.(batch)) ?? { embeddings: await encoder.encode(batch), states: await states() }
  );
}

/** Lets finished reads, decodes and signals be processed: the runtime blocks the event loop while it runs. */
const yieldToEvents = (): Promise<void> => setImmediate();

/** The platform's UTF-8 encoder, not to be confused with mien's `TextEncoder`. */
const utf8 = new globalThis.TextEncoder();

export interface StoreText {
  readonly id: string;
  /** The encoder's input, that is, normalised. */
  readonly text: string;
}

export interface EmbedderOptions {
  /** Also store token states or the last feature map, which are much larger than embeddings. */
  readonly withStates?: boolean;
  /** Maximum number of items per encoder batch; part of the store's configuration. */
  readonly batchSize?: number;
  /** Items per shard; part of the store's configuration. */
  readonly shardSize?: number;
}

/** Embeds texts: pooled embeddings `[width]`, on request token states `[tokens, width]`. */
export function textEmbedder(encoder: TextEncoder, options: EmbedderOptions = {}): Embedder<StoreText> {
  const withStates = options.withStates === true;
  const batchSize = options.batchSize ?? 64;
  /** Token ids, and the items by length, longest first. */
  const bucketed = (items: readonly StoreText[]): { tokens: Int32Array[]; buckets: number[][] } => {
    const tokens = items.map((item) => encoder.tokenize(item.text).ids);
    const byLength = indicesBy(tokens, (ids) => ids.length);
    return {
      tokens,
      buckets: [...byLength].sort(([a], [b]) => b - a).map(([, bucket]) => bucket),
    };
  };
  return {
    kind: 'text',
    unit: 'texts',
    identity: encoder.identity,
    width: encoder.width,
    states: withStates ? 'tokens' : 'none',
    shardSize: options.shardSize ?? (withStates ? 256 : 2048),
    batchSize,
    content: (item) => Promise.resolve(utf8.encode(item.text)),
    witness(items, candidates) {
      const allowed = new Set(candidates);
      const { buckets } = bucketed(items);
      const fullest = buckets.sort((a, b) => b.length - a.length);
      return fullest.flatMap((bucket) => bucket).find((i) => allowed.has(i)) ?? candidates[0]!;
    },
    async encode(items, _contents, { advance, signal }) {
      const { tokens, buckets } = bucketed(items);
      const rows = new Array<EncodedRow>(items.length);
      const batches = buckets.flatMap((bucket) => inBatches(bucket, batchSize));
      await forEachParallel(batches, encoder.parallel ?? 1, async (batch) => {
        throwIfInterrupted(signal);
        const inputs = atLeastTwo(itemsAt(tokens, batch));
        const { embeddings, states } = await encoded(
          encoder,
          inputs,
          withStates && (() => encoder.encodeTokens(inputs)),
        );
        batch.forEach((i, j) => {
          rows[i] = {
            embedding: slice(embeddings, j).data,
            ...defined({ states: states && slice(states, j) }),
          };
        });
        advance(batch.length);
        await yieldToEvents();
      });
      return rows;
    },
  };
}

export interface StoreFace {
  readonly id: string;
  readonly image: FaceImage;
}

export interface FaceEmbedderOptions extends EmbedderOptions {
  /** Decodes the bytes of an image file; errors refer to it by `name`. */
  readonly decode: (bytes: Uint8Array, name: string) => Promise<DecodedImage>;
  /** Transforms images before they are encoded; the encoder's identity should then state how. */
  readonly change?: (image: DecodedImage, id: string) => DecodedImage;
}

/** Batches decoded ahead of the one being encoded. */
const DECODED_AHEAD = 3;

/** Embeds faces: pooled embeddings `[width]`, on request the last feature map `[width, h, w]`. */
export function faceEmbedder(encoder: FaceEncoder, options: FaceEmbedderOptions): Embedder<StoreFace> {
  const withStates = options.withStates === true;
  const batchSize = options.batchSize ?? 32;
  const { change = (image: DecodedImage) => image } = options;
  const decode = async ({ id, image }: StoreFace, content: Uint8Array): Promise<DecodedImage> =>
    change(
      image.kind === 'file'
        ? await options.decode(content, image.path)
        : greyToRgb(image.width, image.height, image.data, id),
      id,
    );
  return {
    kind: 'face',
    unit: 'faces',
    identity: encoder.identity,
    width: encoder.width,
    states: withStates ? 'map' : 'none',
    shardSize: options.shardSize ?? (withStates ? 256 : 1024),
    batchSize,
    witness: (_items, candidates) => candidates[0]!, // only the last batch can be smaller than others
    content: ({ image }) =>
      image.kind === 'pixels'
        ? Promise.resolve(Buffer.concat([utf8.encode(`${image.width}×${image.height}:`), image.data]))
        : readFile(image.path).catch((cause: unknown) => {
            throw fileError('read', image.path, cause);
          }),
    async encode(items, contents, { advance, signal }) {
      const batches = inBatches([...items.keys()], batchSize);
      const decoded: Promise<DecodedImage[]>[] = [];
      const decodeUpTo = (last: number): void => {
        while (decoded.length <= Math.min(last, batches.length - 1)) {
          const images = Promise.all(batches[decoded.length]!.map((i) => decode(items[i]!, contents[i]!)));
          images.catch(() => undefined); // reported when awaited
          decoded.push(images);
        }
      };
      const rows = new Array<EncodedRow>(items.length);
      const parallel = encoder.parallel ?? 1;
      await forEachParallel(batches.entries(), parallel, async ([index, batch]) => {
        throwIfInterrupted(signal);
        decodeUpTo(index + DECODED_AHEAD);
        const images = atLeastTwo(await decoded[index]!);
        decoded[index] = Promise.resolve([]); // releases its pixels
        const { embeddings, states } = await encoded(
          encoder,
          images,
          withStates && (() => encoder.encodeMap(images)),
        );
        batch.forEach((i, j) => {
          rows[i] = {
            embedding: slice(embeddings, j).data,
            ...defined({ states: states && slice(states, j) }),
          };
        });
        advance(batch.length);
        await yieldToEvents();
      });
      return rows;
    },
  };
}

export interface StoreClip {
  readonly id: string;
  readonly file: string;
}

export interface VoiceEmbedderOptions extends EmbedderOptions {
  /** Sound at 16 kHz of a recording's bytes; errors refer to it by `name`. */
  readonly decode: (bytes: Uint8Array, name: string) => Promise<Float32Array>;
  /** Transforms sounds before they are encoded; the encoder's identity should then state how. */
  readonly change?: (sound: Float32Array, id: string) => Float32Array;
}

/** Embeds recordings, each at its own length and of as much as the encoder can hear: pooled embeddings `[width]`. */
export const voiceEmbedder = (encoder: VoiceEncoder, options: VoiceEmbedderOptions): Embedder<StoreClip> => ({
  kind: 'voice',
  unit: 'clips',
  identity: encoder.identity,
  width: encoder.width,
  states: 'none',
  shardSize: options.shardSize ?? 256,
  batchSize: 1,
  witness: (_items, candidates) => candidates[0]!,
  content: ({ file }) =>
    readFile(file).catch((cause: unknown) => {
      throw fileError('read', file, cause);
    }),
  async encode(items, contents, { advance, signal }) {
    const rows = new Array<EncodedRow>(items.length);
    await forEachParallel(items.entries(), encoder.parallel ?? 1, async ([i, { id, file }]) => {
      throwIfInterrupted(signal);
      const decoded = await options.decode(contents[i]!, file);
      const clip = options.change?.(decoded, id) ?? decoded;
      const { data } = await encoder.encode([clip.subarray(0, encoder.maxSamples)]);
      rows[i] = { embedding: data };
      advance(1);
      await yieldToEvents();
    });
    return rows;
  },
});

/** @throws MienError `data` if the number of pixels does not match the size */
function greyToRgb(width: number, height: number, grey: Uint8Array, id: string): DecodedImage {
  if (grey.length !== width * height)
    throw new MienError('data', `${id}: ${width}×${height} pixels expected, got ${grey.length}`);
  const data = new Uint8Array(grey.length * 3);
  for (let i = 0; i < grey.length; i++) data.fill(grey[i]!, i * 3, i * 3 + 3);
  return { width, height, data };
}
