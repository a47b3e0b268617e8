// Loaded encoders end to end: from a server that answers as the hub, through tokenising and resizing, to embeddings.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from 'mien-engine/node';
import { bytesOf } from 'mien-engine/base';
import type { DecodedImage, FaceEncoder, TextEncoder } from 'mien/parts/encoders';
import * as load from '../../src/encoders/load.js';
import { profiles, type FaceEncoderSpec, type TextEncoderSpec } from '../../src/encoders/profiles.js';
import { readGolden, relativeError, uniform } from '../../../../test/support/golden.js';
import { startHubServer, type HubServer } from '../../../../test/support/hub-server.js';
import {
  bertFiles,
  bertTinyConfig,
  distilBertConfig,
  efficientNetB3Config,
  efficientNetFiles,
  paperRepositories,
  writeFiles,
} from '../../../../test/support/pretrained.js';

// One thread: spinning threads of several sessions get in each other's way on a busy machine.
const loadTextEncoder = (
  spec: TextEncoderSpec,
  options: load.LoadEncoderOptions = {},
): Promise<TextEncoder> => load.loadTextEncoder(spec, { threads: 1, ...options });
const loadFaceEncoder = (
  spec: FaceEncoderSpec,
  options: load.LoadEncoderOptions = {},
): Promise<FaceEncoder> => load.loadFaceEncoder(spec, { threads: 1, ...options });

/** DistilBERT in small. */
const smallDistilBertConfig = {
  ...distilBertConfig,
  vocab_size: 128,
  dim: 128,
  n_layers: 2,
  n_heads: 2,
  hidden_dim: 256,
};
const WORDS = ['i', 'am', 'happy', 'sad', 'dog', '.'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-load-'));
});
afterAll(() => rm(folder, { recursive: true }));

const row = (value: { shape: readonly number[]; data: Float32Array }, i: number): Float32Array => {
  const size = value.data.length / value.shape[0]!;
  return value.data.subarray(i * size, (i + 1) * size);
};

/** Pixels that depend on nothing but the name. */
const noise = (name: string, width: number, height: number): DecodedImage => ({
  width,
  height,
  data: Uint8Array.from(uniform(name, width * height * 3), (x) => Math.floor((x + 1) * 128)),
});

describe('profile paper, from a mock hub', () => {
  let server: HubServer;
  let text: TextEncoder;
  let face: FaceEncoder;
  const environment = (): Record<string, string> => ({
    HF_ENDPOINT: server.endpoint,
    HF_HOME: join(folder, 'hf'),
  });
  beforeAll(async () => {
    // In place of DistilBERT a smaller encoder, which is all that it states of itself.
    server = await startHubServer(paperRepositories(WORDS, bertTinyConfig));
    const weights = server.repositories[profiles.paper.text.id]!.files['model.safetensors']!;
    const spec = { ...profiles.paper.text, sha256: sha256(weights) };
    text = await loadTextEncoder(spec, { environment: environment() });
    face = await loadFaceEncoder(profiles.paper.face, { environment: environment() });
  }, 240_000);
  afterAll(async () => {
    await server.close();
    await text.dispose();
    await face.dispose();
  });

  it('identifies its encoders', () => {
    expect(text.identity).toMatchObject({
      id: 'distilbert/distilbert-base-uncased',
      revision: profiles.paper.text.revision,
      dtype: 'float32',
      preprocessing: { maxTokens: 128, pooling: 'cls' },
    });
    expect(face.identity).toMatchObject({
      id: 'timm/efficientnet_b3.ra2_in1k',
      revision: 'b3'.repeat(20),
      sha256: sha256(server.repositories[profiles.paper.face.id]!.files['model.safetensors']!),
      preprocessing: { architecture: 'efficientnet_b3', imageSize: 288, crop: 'none' },
    });
    expect([text.width, face.width]).toEqual([128, 1536]);
  });

  it('gives the token states of transformers, and the first one as embedding', async () => {
    const golden = (await readGolden('bert-tiny'))['last_hidden_state']!;
    const batch = [
      Int32Array.of(101, 1045, 2371, 11204, 2043, 2026, 3899, 2351, 1012, 102),
      Int32Array.of(101, 3407, 102),
    ];
    const states = await text.encodeTokens(batch);
    const embeddings = await text.encode(batch);
    expect(await text.encodeBoth!(batch)).toEqual({ embeddings, states });
    expect([states.shape, embeddings.shape]).toEqual([
      [2, 10, 128],
      [2, 128],
    ]);
    for (const [i, { length }] of batch.entries()) {
      const expected = row(golden, i);
      expect(
        relativeError(row(states, i).subarray(0, length * 128), expected.subarray(0, length * 128)),
      ).toBeLessThan(1e-5);
      expect(
        row(states, i)
          .subarray(length * 128)
          .every((value) => value === 0),
      ).toBe(true);
      expect(relativeError(row(embeddings, i), expected.subarray(0, 128))).toBeLessThan(1e-5);
    }
  });

  it('embeds texts and images end to end', async () => {
    const { ids } = text.tokenize('I am happy.');
    expect([...ids]).toEqual([101, 104, 105, 106, 109, 102]);
    expect((await text.encode([ids])).data.every(Number.isFinite)).toBe(true);
    const images = [noise('a', 48, 48), noise('b', 100, 80)];
    const embeddings = await face.encode(images);
    expect(embeddings.shape).toEqual([2, 1536]);
    const map = await face.encodeMap(images);
    const both = await face.encodeBoth!(images);
    expect(both.embeddings).toEqual(embeddings);
    expect(both.states.shape).toEqual(map.shape);
    expect(Buffer.compare(bytesOf(both.states), bytesOf(map))).toBe(0);
    expect(map.shape).toEqual([2, 1536, 9, 9]);
    const pooled = Float32Array.from({ length: 1536 }, (_, c) => {
      const channel = row(map, 1).subarray(c * 81, (c + 1) * 81);
      return channel.reduce((total, value) => total + value, 0) / 81;
    });
    expect(relativeError(row(embeddings, 1), pooled)).toBeLessThan(1e-5);
  });

  it('loads again without a network, from the cache', async () => {
    server.requests.length = 0;
    const again = await loadFaceEncoder(profiles.paper.face, {
      environment: { ...environment(), HF_HUB_OFFLINE: '1' },
    });
    const image = [noise('a', 60, 60)];
    expect((await again.encode(image)).data).toEqual((await face.encode(image)).data);
    expect(again.identity).toEqual(face.identity);
    expect(server.requests).toEqual([]);
    await again.dispose();
  });

  it('rejects other weights than those pinned', async () => {
    const spec = { ...profiles.paper.text, sha256: 'c'.repeat(64) };
    await expect(loadTextEncoder(spec, { environment: environment() })).rejects.toMatchObject({
      code: 'weights',
    });
  });
});

describe('a batch', () => {
  it('does not change the embedding of an item', async () => {
    const dir = await writeFiles(join(folder, 'batch'), bertFiles(smallDistilBertConfig, WORDS));
    const spec = { ...profiles.frozen.text, folder: dir, maxTokens: 16 };
    const encoder = await loadTextEncoder(spec);
    const texts = [
      'I am happy.',
      'dog',
      '',
      'sad dog',
      'I am sad.',
      'I am happy . I am happy . I am happy . dog dog dog',
    ];
    const batch = texts.map((text) => encoder.tokenize(text).ids);
    expect(encoder.tokenize(texts[5]!).truncated).toBe(true);
    const together = await encoder.encode(batch);
    expect(together.shape).toEqual([6, 128]);
    for (const [i, ids] of batch.entries())
      expect(relativeError(row(together, i), (await encoder.encode([ids])).data)).toBeLessThan(1e-6);
    expect((await encoder.encode([])).shape).toEqual([0, 128]);
    expect((await encoder.encodeTokens([])).shape).toEqual([0, 0, 128]);
    expect(encoder.identity).toMatchObject({
      revision: 'local',
      preprocessing: { maxTokens: 16, pooling: 'mean' },
    });
    await expect(encoder.encode([Int32Array.of(128)])).rejects.toThrow(/token 128/);
    await expect(encoder.encode([new Int32Array(0)])).rejects.toThrow(/0 tokens/);
    await encoder.dispose();
  });

  it('of images of different sizes keeps their order', async () => {
    const config = { ...efficientNetB3Config, architecture: 'efficientnet_b0' };
    const dir = await writeFiles(join(folder, 'images'), efficientNetFiles(config));
    const encoder = await loadFaceEncoder({ ...profiles.paper.face, folder: dir, imageSize: 64 });
    const sizes = [
      [48, 48],
      [48, 48],
      [100, 90],
      [48, 48],
      [1, 1],
      [64, 64],
    ] as const;
    const images = sizes.map(([width, height], i) => noise(`${i}`, width, height));
    const together = await encoder.encode(images);
    for (const [i, image] of images.entries())
      expect(relativeError(row(together, i), (await encoder.encode([image])).data)).toBeLessThan(1e-5);
    expect((await encoder.encode([])).shape).toEqual([0, 1280]);
    await expect(encoder.encode([{ width: 2, height: 2, data: new Uint8Array(4) }])).rejects.toThrow(
      /2×2, has 4 bytes/,
    );
    await encoder.dispose();
  });
});
