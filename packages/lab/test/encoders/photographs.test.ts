// Real photographs and real weights: decoding, resizing and embeddings against PIL, timm and sentence-transformers.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJson, readSafetensorsFile } from 'mien-engine/node';
import { type DecodedImage, decodeImage, type FaceEncoder, type TextEncoder } from 'mien/parts/encoders';
import * as load from '../../src/encoders/load.js';
import { profiles, type FaceEncoderSpec, type TextEncoderSpec } from '../../src/encoders/profiles.js';
import { resizedPixels } from '../../src/encoders/resize.js';
import { cosine, goldenPath, readGolden, relativeError } from '../../../../test/support/golden.js';

const WEIGHTS = process.env['MIEN_WEIGHTS'];
// One thread: spinning threads of several sessions get in each other's way on a busy machine.
const loadTextEncoder = (
  spec: TextEncoderSpec,
  options: load.LoadEncoderOptions = {},
): Promise<TextEncoder> => load.loadTextEncoder(spec, { threads: 1, ...options });
const loadFaceEncoder = (
  spec: FaceEncoderSpec,
  options: load.LoadEncoderOptions = {},
): Promise<FaceEncoder> => load.loadFaceEncoder(spec, { threads: 1, ...options });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-load-'));
});
afterAll(() => rm(folder, { recursive: true }));

const row = (value: { shape: readonly number[]; data: Float32Array }, i: number): Float32Array => {
  const size = value.data.length / value.shape[0]!;
  return value.data.subarray(i * size, (i + 1) * size);
};

describe('photographs', () => {
  it('are decoded and resized as by PIL, within one grey level', async () => {
    const { tensors } = await readSafetensorsFile(goldenPath('photos.safetensors'));
    for (const [name, tolerance] of [
      ['astronaut', 1],
      ['face_jpeg', 3],
      ['grey_48', 1],
    ] as const) {
      const file =
        (tensors[`${name}.file`]?.data as Uint8Array | undefined) ??
        join(import.meta.dirname, '../../../../test/fixtures/astronaut.png');
      const image = await decodeImage(file);
      for (const size of [96, 75]) {
        const resized = resizedPixels(image, size);
        const expected = tensors[`${name}.pixels_${size}`]!.data as Uint8Array;
        const plane = size * size;
        const worst = expected.reduce(
          (most, value, i) => Math.max(most, Math.abs(value - resized[(i % 3) * plane + Math.floor(i / 3)]!)),
          0,
        );
        expect(worst, `${name} at ${size}`).toBeLessThanOrEqual(tolerance);
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
        join(import.meta.dirname, '../../../../test/fixtures/astronaut.png');
      const { data } = await encoder.encode([await decodeImage(file)]);
      expect(cosine(data, tensors[`${name}.embedding_96`]!.data as Float32Array), name).toBeGreaterThan(
        0.999,
      );
    }
    await encoder.dispose();
  });

  it('are found under the hub id, too', async () => {
    const nested = join(folder, 'nested', 'timm', 'tf_efficientnetv2_b0.in1k');
    await cp(join(WEIGHTS!, 'tf_efficientnetv2_b0.in1k'), nested, { recursive: true });
    const encoder = await loadFaceEncoder(profiles.frozen.face, { weights: join(folder, 'nested') });
    expect(encoder.identity).toMatchObject({ id: 'timm/tf_efficientnetv2_b0.in1k', revision: 'local' });
    await encoder.dispose();
  });
});
