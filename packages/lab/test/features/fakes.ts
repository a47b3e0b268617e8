// Encoders that are quick, deterministic and countable, and sets of items to feed them.
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { float32, type Tensor } from 'mien-engine/base';
import type { DecodedImage, EncoderIdentity, FaceEncoder, TextEncoder } from 'mien/parts/encoders';
import { clipOf } from '../../src/data/speech.js';
import type { VoiceEncoder } from '../../src/encoders/load-voice.js';
import type { StoreFace, StoreText } from '../../src/features/embed.js';

export interface FakeOptions {
  width?: number;
  /** Milliseconds a batch. */
  delay?: number;
  /** Adds a trace of the batch size to every value, as a runtime's rounding might. */
  roundsByBatch?: boolean;
  id?: string;
}

export interface Counted {
  /** Items encoded so far. */
  encoded: number;
  batches: number[];
}

const identity = (id: string, preprocessing: EncoderIdentity['preprocessing']): EncoderIdentity => ({
  id,
  revision: 'local',
  sha256: createHash('sha256').update(id).digest('hex'),
  dtype: 'float32',
  preprocessing,
});

/** `count` values that depend on the bytes and on nothing else. */
function values(bytes: Uint8Array, count: number): number[] {
  let state = bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5);
  return Array.from({ length: count }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return (state | 0) / 2 ** 31;
  });
}

const stack = (rows: readonly number[][], shape: readonly number[], nudge: number): Tensor<'float32'> =>
  float32(
    [rows.length, ...shape],
    Float32Array.from(rows.flat(), (value) => value + nudge),
  );

export function fakeTextEncoder(options: FakeOptions = {}): TextEncoder & Counted {
  const { width = 8, delay = 0, roundsByBatch = false, id = 'fake/text' } = options;
  const bytes = (ids: Int32Array): Uint8Array => new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);
  const encoder: TextEncoder & Counted = {
    encoded: 0,
    batches: [],
    identity: identity(id, { pooling: 'mean', maxTokens: 32 }),
    width,
    tokenize: (text) => {
      const words = text.split(' ').filter((word) => word !== '');
      const ids = Int32Array.from([
        1,
        ...words.slice(0, 30).map((word) => word.length + word.charCodeAt(0)),
        2,
      ]);
      return { ids, truncated: words.length > 30, pieces: [] };
    },
    encode: async (batch) => {
      if (delay > 0) await setTimeout(delay);
      encoder.encoded += batch.length;
      encoder.batches.push(batch.length);
      const nudge = roundsByBatch ? batch.length * 1e-6 : 0;
      return stack(
        batch.map((ids) => values(bytes(ids), width)),
        [width],
        nudge,
      );
    },
    encodeTokens: (batch) => {
      const tokens = Math.max(...batch.map((ids) => ids.length));
      const rows = batch.map((ids) =>
        Array.from({ length: tokens }, (_, t) => values(Uint8Array.of(ids[t] ?? 0, t), width)).flat(),
      );
      return Promise.resolve(stack(rows, [tokens, width], 0));
    },
    dispose: () => Promise.resolve(),
  };
  return encoder;
}

export function fakeFaceEncoder(options: FakeOptions = {}): FaceEncoder & Counted {
  const { width = 6, delay = 0, roundsByBatch = false, id = 'fake/face' } = options;
  const encoder: FaceEncoder & Counted = {
    encoded: 0,
    batches: [],
    identity: identity(id, { size: 4, resize: 'cubic' }),
    width,
    encode: async (batch) => {
      if (delay > 0) await setTimeout(delay);
      encoder.encoded += batch.length;
      encoder.batches.push(batch.length);
      const nudge = roundsByBatch ? batch.length * 1e-6 : 0;
      return stack(
        batch.map((image) => values(image.data, width)),
        [width],
        nudge,
      );
    },
    encodeMap: (batch) =>
      Promise.resolve(
        stack(
          batch.map((image) => values(image.data, width * 4)),
          [width, 2, 2],
          0,
        ),
      ),
    dispose: () => Promise.resolve(),
  };
  return encoder;
}

/** `alone` gives the embedding of one file. */
export function fakeVoiceEncoder({ width = 6, id = 'fake/voice' }: FakeOptions = {}): VoiceEncoder &
  Counted & { alone(file: string): Promise<Float32Array> } {
  const row = (clip: Float32Array): number[] => values(new Uint8Array(Float32Array.from(clip).buffer), width);
  const encoder = {
    encoded: 0,
    batches: [] as number[],
    identity: identity(id, { sampleRate: 16_000, block: 3 }),
    width,
    maxSamples: 480_000,
    encode: (batch: readonly Float32Array[]) => {
      encoder.encoded += batch.length;
      encoder.batches.push(batch.length);
      return Promise.resolve(stack(batch.map(row), [width], 0));
    },
    encodeSteps: (clip: Float32Array) => Promise.resolve(stack([row(clip)], [width], 0)),
    alone: async (file: string) => Float32Array.from(row(await clipOf(await readFile(file), file))),
    dispose: () => Promise.resolve(),
  };
  return encoder;
}

/** A "decoder" for files that hold nothing but RGB pixels of a 4-pixel-wide image. */
export const rawDecode = (bytes: Uint8Array): Promise<DecodedImage> =>
  Promise.resolve({ width: 4, height: bytes.length / 12, data: bytes });

const words = ['rain', 'was', 'I', 'angry', 'because', 'my', 'late', 'friend', 'happily', 'lost'];

/** Texts of 0 to 35 words. */
export const someTexts = (count: number): StoreText[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `isear/${String(i).padStart(5, '0')}`,
    text: Array.from({ length: (i * 7) % 36 }, (_, j) => words[(i * 3 + j * (i + 1)) % words.length]).join(
      ' ',
    ),
  }));

/** The bytes of face `i`: 4×4 RGB pixels. */
export const faceBytes = (i: number): Uint8Array =>
  Uint8Array.from({ length: 48 }, (_, j) => (i * 31 + j * (i % 7) + (i >> 8)) & 255);

/** Faces in memory, 4×4 grey. */
export const someFaces = (count: number): StoreFace[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `fer2013/Training/${i}`,
    image: { kind: 'pixels', width: 4, height: 4, data: faceBytes(i).subarray(0, 16) },
  }));

/** Name → SHA-256 of every file of a folder. */
export async function folderBytes(dir: string): Promise<Record<string, string>> {
  const names = (await readdir(dir)).sort();
  const pairs = await Promise.all(
    names.map(async (name): Promise<[string, string]> => [
      name,
      createHash('sha256')
        .update(await readFile(join(dir, name)))
        .digest('hex'),
    ]),
  );
  return Object.fromEntries(pairs);
}
