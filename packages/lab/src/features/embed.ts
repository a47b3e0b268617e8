// Turns the items of one shard into rows: texts bucketed by length, images decoded while the encoder runs.
//
// A row must not depend on which items share its batch, so that one changed item can be recomputed alone: texts of
// one batch have the same number of tokens (nothing is padded), and images do not see each other. What is left is
// whether the runtime rounds differently by the *size* of the batch. ONNX Runtime 1.30 does so for a batch of one
// (it takes other paths through attention and matrix products) and not for two and more, so a lone item is encoded
// together with itself. `fillStore` checks the rest where it matters.
import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { inBatches, indicesBy, MienError, sizeOf, type Tensor } from 'mien-engine/base';
import { fileError } from 'mien-engine/node';
import type {
  DecodedImage,
  EncodedBoth,
  EncoderIdentity,
  FaceEncoder,
  FaceImage,
  TextEncoder,
} from 'mien/parts';
import type { States } from './format.js';
import type { Row } from './shard.js';

interface EncodeHooks {
  /** Called after each batch with the number of items it held. */
  advance(count: number): void;
  /** Stops between two batches. */
  readonly signal?: AbortSignal | undefined;
}

/** What a store needs to know of an encoder and its kind of items. */
export interface Embedder<Item extends { readonly id: string }> {
  readonly kind: 'text' | 'face';
  /** What progress counts. */
  readonly unit: 'texts' | 'faces';
  readonly identity: EncoderIdentity;
  readonly width: number;
  readonly states: States;
  readonly shardSize: number;
  readonly batchSize: number;
  /** The bytes that decide the item's row; their SHA-256 is the one by which the data floor knows the item. */
  content(item: Item): Promise<Uint8Array>;
  /** Of these candidates (indices into `items`), one that shares its batch with as many others as any. */
  witness(items: readonly Item[], candidates: readonly number[]): number;
  /** Rows of the items, in their order; `contents` as `content` gave them. @throws MienError `interrupted`. */
  encode(items: readonly Item[], contents: readonly Uint8Array[], hooks: EncodeHooks): Promise<Row[]>;
}

/** @throws MienError `interrupted` when the signal has fired. */
export function stopWhenAsked(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new MienError('interrupted', 'extraction was interrupted', {
      hint: 'Finished shards are kept; run the same command again to go on.',
    });
}

/** Element `index` along the first axis, as a copy of its own. */
function slice(value: Tensor<'float32'>, index: number): { shape: readonly number[]; data: Float32Array } {
  const shape = value.shape.slice(1);
  const size = sizeOf(shape);
  return { shape, data: value.data.slice(index * size, (index + 1) * size) };
}

/** A batch of at least two: a lone item twice; see the head of this file. */
const atLeastTwo = <T>(batch: readonly T[]): readonly T[] =>
  batch.length === 1 ? [batch[0]!, batch[0]!] : batch;

/** Embeddings of a batch, and its states where they are wanted. */
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

/** Lets finished reads, decodes and signals be noticed: the runtime blocks the event loop while it runs. */
const breathe = (): Promise<void> => setImmediate();

/** The platform's encoder of characters, whose name the encoders of texts bear too. */
const utf8 = new globalThis.TextEncoder();

export interface StoreText {
  readonly id: string;
  /** As the encoder reads it, that is, normalised. */
  readonly text: string;
}

export interface EmbedderOptions {
  /** Keep token states or the last feature map too; they take far more room than embeddings. */
  readonly withStates?: boolean;
  /** Items an encoder batch at most; a part of the store's configuration. */
  readonly batchSize?: number;
  /** Items a shard; a part of the store's configuration. */
  readonly shardSize?: number;
}

/** Texts through a text encoder: pooled embeddings `[width]`, on request token states `[tokens, width]`. */
export function textEmbedder(encoder: TextEncoder, options: EmbedderOptions = {}): Embedder<StoreText> {
  const withStates = options.withStates === true;
  const batchSize = options.batchSize ?? 64;
  /** Token ids, and the items of each length, longest first. */
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
      const rows = new Array<Row>(items.length);
      for (const batch of buckets.flatMap((bucket) => inBatches(bucket, batchSize))) {
        stopWhenAsked(signal);
        const inputs = atLeastTwo(batch.map((i) => tokens[i]!));
        const { embeddings, states } = await encoded(
          encoder,
          inputs,
          withStates && (() => encoder.encodeTokens(inputs)),
        );
        batch.forEach((i, j) => {
          rows[i] = {
            embedding: slice(embeddings, j).data,
            ...(states === undefined ? {} : { states: slice(states, j) }),
          };
        });
        advance(batch.length);
        await breathe();
      }
      return rows;
    },
  };
}

export interface StoreFace {
  readonly id: string;
  readonly image: FaceImage;
}

export interface FaceEmbedderOptions extends EmbedderOptions {
  /** Decodes the bytes of an image file; `name` is what to call it in errors. */
  readonly decode: (bytes: Uint8Array, name: string) => Promise<DecodedImage>;
  /** Changes images before they are encoded; the encoder's identity should then say how. */
  readonly change?: (image: DecodedImage, id: string) => DecodedImage;
}

/** Batches whose images are decoded, or being decoded, while another batch is in the encoder. */
const DECODED_AHEAD = 3;

/** Faces through a face encoder: pooled embeddings `[width]`, on request the last feature map `[width, h, w]`. */
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
    witness: (_items, candidates) => candidates[0]!, // only a last batch is smaller than others
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
          images.catch(() => undefined); // reported where it is awaited
          decoded.push(images);
        }
      };
      const rows: Row[] = [];
      for (const [index, batch] of batches.entries()) {
        stopWhenAsked(signal);
        decodeUpTo(index + DECODED_AHEAD);
        const images = atLeastTwo(await decoded[index]!);
        decoded[index] = Promise.resolve([]); // its pixels are not needed after this batch
        const { embeddings, states } = await encoded(
          encoder,
          images,
          withStates && (() => encoder.encodeMap(images)),
        );
        batch.forEach((_, j) => {
          rows.push({
            embedding: slice(embeddings, j).data,
            ...(states === undefined ? {} : { states: slice(states, j) }),
          });
        });
        advance(batch.length);
        await breathe();
      }
      return rows;
    },
  };
}

/** @throws MienError `data` when there are not as many pixels as the size says. */
function greyToRgb(width: number, height: number, grey: Uint8Array, id: string): DecodedImage {
  if (grey.length !== width * height)
    throw new MienError('data', `${id}: ${width}×${height} pixels expected, got ${grey.length}`);
  const data = new Uint8Array(grey.length * 3);
  for (let i = 0; i < grey.length; i++) data.fill(grey[i]!, i * 3, i * 3 + 3);
  return { width, height, data };
}
