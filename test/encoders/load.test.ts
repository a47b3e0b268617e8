// Loaded encoders end to end: from files or the hub, through tokenising, decoding and resizing, to the embeddings of
// the reference implementations.
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJson, sha256 } from '../../src/base/files.js';
import { encodeSafetensors, readSafetensors } from '../../src/base/safetensors.js';
import { readSafetensorsFile } from '../../src/base/safetensors-file.js';
import { float32ToFloat16 } from '../../src/base/half.js';
import { float32, int64, tensor, type Tensors } from '../../src/base/tensor.js';
import type { DecodedImage, FaceEncoder, TextEncoder } from '../../src/encoders/encoder.js';
import { decodeImage } from '../../src/encoders/images.js';
import { createPreprocessing } from '../../src/encoders/load-face.js';
import * as load from '../../src/encoders/load.js';
import { profiles, type FaceEncoderSpec, type TextEncoderSpec } from '../../src/encoders/profiles.js';
import { cosine, goldenPath, readGolden, relativeError, uniform } from '../support/golden.js';
import { startHubServer, type HubServer } from '../support/hub-server.js';
import {
  bertFiles,
  bertTinyConfig,
  distilBertConfig,
  efficientNetB3Config,
  efficientNetFiles,
  paperRepositories,
} from '../support/pretrained.js';

const WEIGHTS = process.env['MIEN_WEIGHTS'];
// One thread: spinning threads of several sessions get in each other's way on a busy machine.
const loadTextEncoder = (spec: TextEncoderSpec, options: load.LoadOptions = {}): Promise<TextEncoder> =>
  load.loadTextEncoder(spec, { threads: 1, ...options });
const loadFaceEncoder = (spec: FaceEncoderSpec, options: load.LoadOptions = {}): Promise<FaceEncoder> =>
  load.loadFaceEncoder(spec, { threads: 1, ...options });

const WORDS = ['i', 'am', 'happy', 'sad', 'dog', '.'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-load-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function writeFiles(name: string, files: Record<string, Uint8Array>): Promise<string> {
  for (const [file, bytes] of Object.entries(files)) {
    const path = join(folder, name, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  return join(folder, name);
}

const row = (value: { shape: readonly number[]; data: Float32Array }, i: number): Float32Array => {
  const size = value.data.length / value.shape[0]!;
  return value.data.subarray(i * size, (i + 1) * size);
};

/** Pixels that depend on nothing but the name. */
const noise = (name: string, width: number, height: number): DecodedImage => ({
  ...{ width, height },
  data: Uint8Array.from(uniform(name, width * height * 3), (x) => Math.floor((x + 1) * 128)),
});

describe('profile paper, from a server that answers as the hub', () => {
  let server: HubServer;
  let text: TextEncoder;
  let face: FaceEncoder;
  const environment = (): Record<string, string> => ({
    HF_ENDPOINT: server.endpoint,
    HF_HOME: join(folder, 'hf'),
  });
  beforeAll(async () => {
    server = await startHubServer(paperRepositories(WORDS));
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

  it('says which encoders these are', () => {
    expect(text.identity).toMatchObject({
      ...{
        id: 'distilbert/distilbert-base-uncased',
        revision: profiles.paper.text.revision,
        dtype: 'float32',
      },
      preprocessing: { maxTokens: 128, pooling: 'cls' },
    });
    expect(face.identity).toMatchObject({
      ...{ id: 'timm/efficientnet_b3.ra2_in1k', revision: 'b3'.repeat(20) },
      sha256: sha256(server.repositories[profiles.paper.face.id]!.files['model.safetensors']!),
      preprocessing: { architecture: 'efficientnet_b3', imageSize: 288, crop: 'none' },
    });
    expect([text.width, face.width]).toEqual([768, 1536]);
  });

  it('gives the token states of transformers, and the first one as embedding', async () => {
    const golden = (await readGolden('distilbert'))['last_hidden_state']!;
    const batch = [
      Int32Array.of(101, 1045, 2371, 11204, 2043, 2026, 3899, 2351, 1012, 102),
      Int32Array.of(101, 3407, 102),
    ];
    const states = await text.encodeTokens(batch);
    const embeddings = await text.encode(batch);
    expect([states.shape, embeddings.shape]).toEqual([
      [2, 10, 768],
      [2, 768],
    ]);
    for (const [i, { length }] of batch.entries()) {
      const expected = row(golden, i);
      expect(
        relativeError(row(states, i).subarray(0, length * 768), expected.subarray(0, length * 768)),
      ).toBeLessThan(1e-5);
      expect(
        row(states, i)
          .subarray(length * 768)
          .every((value) => value === 0),
      ).toBe(true);
      expect(relativeError(row(embeddings, i), expected.subarray(0, 768))).toBeLessThan(1e-5);
    }
  });

  it('embeds texts and images from beginning to end', async () => {
    const { ids } = text.tokenize('I am happy.');
    expect([...ids]).toEqual([101, 104, 105, 106, 109, 102]);
    expect((await text.encode([ids])).data.every(Number.isFinite)).toBe(true);
    const images = [noise('a', 48, 48), noise('b', 100, 80)];
    const embeddings = await face.encode(images);
    expect(embeddings.shape).toEqual([2, 1536]);
    const map = await face.encodeMap(images);
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

  it('refuses other weights than those pinned', async () => {
    const spec = { ...profiles.paper.text, sha256: 'c'.repeat(64) };
    await expect(loadTextEncoder(spec, { environment: environment() })).rejects.toMatchObject({
      code: 'weights',
    });
  });
});

describe('a batch', () => {
  it('does not change what an item is embedded as', async () => {
    const dir = await writeFiles('batch', bertFiles(bertTinyConfig, WORDS));
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
    await expect(encoder.encode([Int32Array.of(30522)])).rejects.toThrow(/token 30522/);
    await expect(encoder.encode([new Int32Array(0)])).rejects.toThrow(/0 tokens/);
    await encoder.dispose();
  });

  it('of images of all sizes keeps their order', async () => {
    const config = { ...efficientNetB3Config, architecture: 'efficientnet_b0' };
    const dir = await writeFiles('images', efficientNetFiles(config));
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

describe('weights that do not fit', () => {
  const files = bertFiles(bertTinyConfig, WORDS);
  const { tensors } = readSafetensors(files['model.safetensors']!);
  const name = 'bert.encoder.layer.1.output.dense.weight';
  const { [name]: dropped, ...rest } = tensors;
  const withWeights = (changed: Tensors): Record<string, Uint8Array> => ({
    ...files,
    'model.safetensors': new Uint8Array(Buffer.concat(encodeSafetensors(changed))),
  });
  const withConfig = (changed: object): Record<string, Uint8Array> => ({
    ...files,
    'config.json': new TextEncoder().encode(JSON.stringify({ ...bertTinyConfig, ...changed })),
  });
  it.each<[string, () => Record<string, Uint8Array>, RegExp]>([
    ['a tensor is missing', () => withWeights(rest), /encoder\.layer\.1\.output\.dense\.weight: is missing/],
    [
      'a tensor has another shape',
      () => withWeights({ ...rest, [name]: float32([2, 2], [1, 2, 3, 4]) }),
      /weight: is \[2, 2\], \[128, 512\] is needed/,
    ],
    [
      'a tensor holds integers',
      () => withWeights({ ...rest, [name]: int64([128, 512], new Array(65536).fill(1)) }),
      /holds I64/,
    ],
    [
      'a tensor is foreign',
      () => withWeights({ ...tensors, 'bert.encoder.layer.2.x': float32([1], [1]) }),
      /bert\.encoder\.layer\.2\.x: is not a tensor of the model/,
    ],
    [
      'all are those of another model',
      () => efficientNetFiles({ ...efficientNetB3Config, architecture: 'efficientnet_b0' }),
      /config\.json, model_type|model_type/,
    ],
    [
      'the config is of another family',
      () => withConfig({ model_type: 'roberta' }),
      /model_type.*\n.*bert, distilbert/,
    ],
    ['the config has another activation', () => withConfig({ hidden_act: 'relu' }), /hidden_act/],
    [
      'the config has more layers',
      () => withConfig({ num_hidden_layers: 3 }),
      /encoder\.layer\.2\.attention.*is missing, as are 15 more/,
    ],
    ['the config is of DistilBERT', () => withConfig({ ...distilBertConfig }), /is missing/],
    [
      'heads do not divide the width',
      () => withConfig({ num_attention_heads: 3 }),
      /128 cannot be divided among 3 heads/,
    ],
    [
      'the file is cut',
      () => ({ ...files, 'model.safetensors': files['model.safetensors']!.subarray(0, 1e6) }),
      /the file was cut/,
    ],
  ])('is named: %s', async (what, make, message) => {
    const dir = await writeFiles(`bad ${what}`, make());
    const spec = { ...profiles.frozen.text, folder: dir, maxTokens: 16 };
    await expect(loadTextEncoder(spec)).rejects.toThrow(message);
    expect(dropped).toBeDefined();
  });

  it('accepts 16-bit floats, old names, and no prefix', async () => {
    const old = Object.fromEntries(
      Object.entries(tensors).map(([key, value]) => [
        key
          .replace(/^bert\./, '')
          .replace('LayerNorm.weight', 'LayerNorm.gamma')
          .replace('LayerNorm.bias', 'LayerNorm.beta'),
        value,
      ]),
    );
    const halves = Object.fromEntries(
      Object.entries(tensors).map(([key, { shape, data }]) => [
        key,
        tensor('float16', shape, float32ToFloat16(data as Float32Array)),
      ]),
    );
    const [plain, renamed, narrow] = await Promise.all(
      [files, withWeights(old), withWeights(halves)].map(async (content, i) => {
        const dir = await writeFiles(`names${i}`, content);
        const encoder = await loadTextEncoder({ ...profiles.frozen.text, folder: dir, maxTokens: 16 });
        const out = await encoder.encode([Int32Array.of(101, 104, 102)]);
        await encoder.dispose();
        return out.data;
      }),
    );
    expect(renamed).toEqual(plain);
    expect(relativeError(narrow!, plain!)).toBeLessThan(0.01);
    expect(narrow).not.toEqual(plain);
  });

  it('says which folder lacks them, and refuses more tokens than there are positions', async () => {
    await expect(loadTextEncoder(profiles.frozen.text, { weights: folder })).rejects.toMatchObject({
      code: 'weights',
      place: { file: join(folder, 'all-MiniLM-L6-v2') },
    });
    const dir = await writeFiles('long', files);
    await expect(loadTextEncoder({ ...profiles.frozen.text, folder: dir, maxTokens: 513 })).rejects.toThrow(
      /at most 512/,
    );
  });
});

describe('photographs', () => {
  it('are decoded and resized as PIL does, within one grey level', async () => {
    const { tensors } = await readSafetensorsFile(goldenPath('photos.safetensors'));
    for (const [name, tolerance] of [
      ['astronaut', 1],
      ['face_jpeg', 3],
      ['grey_48', 1],
    ] as const) {
      const file =
        (tensors[`${name}.file`]?.data as Uint8Array | undefined) ??
        join(import.meta.dirname, '../fixtures/astronaut.png');
      const { width, height, data } = await decodeImage(file);
      for (const size of [96, 75]) {
        const session = await createPreprocessing(
          {
            size,
            mean: [0, 0, 0],
            std: [1 / 255, 1 / 255, 1 / 255],
          },
          1,
        );
        const pixels = { dtype: 'uint8', shape: [1, height, width, 3], data } as const;
        const { images } = await session.run({ pixels }, ['images']);
        const expected = tensors[`${name}.pixels_${size}`]!.data as Uint8Array;
        const plane = size * size;
        const worst = expected.reduce(
          (most, value, i) =>
            Math.max(
              most,
              Math.abs(value - (images.data as Float32Array)[(i % 3) * plane + Math.floor(i / 3)]!),
            ),
          0,
        );
        expect(worst, `${name} at ${size}`).toBeLessThan(tolerance + 0.01);
        await session.dispose();
      }
    }
  });
});

describe.skipIf(!WEIGHTS)('real weights (MIEN_WEIGHTS)', () => {
  it('MiniLM gives the reference embeddings', async () => {
    const { texts, max_length } = (await readJson(goldenPath('all-MiniLM-L6-v2.json'))) as {
      max_length: number;
      texts: { text: string }[];
    };
    const encoder = await loadTextEncoder(
      { ...profiles.frozen.text, maxTokens: max_length },
      { weights: WEIGHTS },
    );
    const golden = (await readGolden('all-MiniLM-L6-v2'))['mean_pooled']!;
    const actual = await encoder.encode(texts.map(({ text }) => encoder.tokenize(text).ids));
    expect(relativeError(actual.data, golden.data)).toBeLessThan(1e-5);
    expect(encoder.identity.revision).toBe(profiles.frozen.text.revision);
    await encoder.dispose();
  });

  it('EfficientNetV2-B0 gives the reference embeddings of real photographs', async () => {
    const encoder = await loadFaceEncoder(profiles.frozen.face, { weights: WEIGHTS });
    const golden = await readGolden('tf_efficientnetv2_b0.in1k');
    const pixels = golden['pixels_rgb_0_255']!;
    const images = [0, 1, 2].map((i): DecodedImage => {
      const planes = row(pixels, i);
      const data = Uint8Array.from(
        { length: planes.length },
        (_, j) => planes[(j % 3) * 9216 + Math.floor(j / 3)]!,
      );
      return { width: 96, height: 96, data };
    });
    const actual = await encoder.encode(images);
    expect(relativeError(actual.data, golden['embedding_96']!.data)).toBeLessThan(1e-5);

    const { tensors } = await readSafetensorsFile(goldenPath('photos.safetensors'));
    for (const name of ['astronaut', 'face_jpeg', 'grey_48']) {
      const file =
        (tensors[`${name}.file`]?.data as Uint8Array | undefined) ??
        join(import.meta.dirname, '../fixtures/astronaut.png');
      const { data } = await encoder.encode([await decodeImage(file)]);
      expect(cosine(data, tensors[`${name}.embedding_96`]!.data as Float32Array), name).toBeGreaterThan(
        0.999,
      );
    }
    await encoder.dispose();
  });

  it('are found under the hub id too', async () => {
    const nested = join(folder, 'nested', 'timm', 'tf_efficientnetv2_b0.in1k');
    await cp(join(WEIGHTS!, 'tf_efficientnetv2_b0.in1k'), nested, { recursive: true });
    const encoder = await loadFaceEncoder(profiles.frozen.face, { weights: join(folder, 'nested') });
    expect(encoder.identity).toMatchObject({ id: 'timm/tf_efficientnetv2_b0.in1k', revision: 'local' });
    await encoder.dispose();
  });
});
