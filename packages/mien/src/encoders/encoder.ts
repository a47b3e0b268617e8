// Encoders as the rest of the packages use them: they turn items into embeddings and state their identity.
import type { Tensor } from 'mien-engine/base';
import type { Encoding } from './tokenizer.js';

/** Everything that determines an encoder's output: embeddings are comparable if it is equal. */
export interface EncoderIdentity {
  /** Hub id or folder name, for instance `sentence-transformers/all-MiniLM-L6-v2`. */
  readonly id: string;
  /** Commit of the hub repository, or `local`. */
  readonly revision: string;
  /** SHA-256 of the weight file. */
  readonly sha256: string;
  readonly dtype: 'float32';
  /** Pooling, truncation, input size, mean, …: plain values, in a stable order. */
  readonly preprocessing: Readonly<Record<string, string | number>>;
}

/** An image after decoding: 8-bit RGB, row-major, three bytes a pixel. */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Grey pixels `[height, width]` as RGB. */
export function rgbFromGrey({ data, ...size }: DecodedImage): DecodedImage {
  const rgb = new Uint8Array(data.length * 3);
  for (const [i, grey] of data.entries()) rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = grey;
  return { ...size, data: rgb };
}

/** Pooled embeddings `[n, width]` and what they are the mean of: token states or feature maps. */
export interface EncodedBoth {
  readonly embeddings: Tensor<'float32'>;
  readonly states: Tensor<'float32'>;
}

export interface TextEncoder {
  readonly identity: EncoderIdentity;
  /** Width of the embedding. */
  readonly width: number;
  /** Calls that are worth making at the same time; 1 if undefined. */
  readonly parallel?: number;
  /** Token ids with special tokens, cut at the encoder's limit, and what they stand for. */
  tokenize(text: string): Encoding;
  /** Pooled embeddings `[n, width]` of n tokenised texts, in their order; pads to the longest of them. */
  encode(batch: readonly Int32Array[]): Promise<Tensor<'float32'>>;
  /** Token states `[n, tokens, width]`, padded to the longest text of the batch. */
  encodeTokens(batch: readonly Int32Array[]): Promise<Tensor<'float32'>>;
  /** Both, in one computation. */
  encodeBoth?(batch: readonly Int32Array[]): Promise<EncodedBoth>;
  dispose(): Promise<void>;
}

export interface FaceEncoder {
  readonly identity: EncoderIdentity;
  readonly width: number;
  /** As a text encoder's. */
  readonly parallel?: number;
  /** Pooled embeddings `[n, width]` of n decoded images of any sizes, in their order. */
  encode(batch: readonly DecodedImage[]): Promise<Tensor<'float32'>>;
  /** Last feature map `[n, width, h, w]`. */
  encodeMap(batch: readonly DecodedImage[]): Promise<Tensor<'float32'>>;
  /** Both, in one computation. */
  encodeBoth?(batch: readonly DecodedImage[]): Promise<EncodedBoth>;
  dispose(): Promise<void>;
}
