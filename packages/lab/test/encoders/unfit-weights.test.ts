// Weights that do not fit their config.json, or lie elsewhere: every error names the tensor, key or file.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  encodeSafetensors,
  float32,
  float32ToFloat16,
  int64,
  readSafetensors,
  tensor,
  type Tensors,
} from 'mien-engine/base';
import type { TextEncoder } from 'mien/parts/encoders';
import * as load from '../../src/encoders/load.js';
import { profiles, type TextEncoderSpec } from '../../src/encoders/profiles.js';
import { relativeError } from '../../../../test/support/golden.js';
import {
  bertFiles,
  bertTinyConfig,
  distilBertConfig,
  efficientNetB3Config,
  efficientNetFiles,
  writeFiles,
} from '../../../../test/support/pretrained.js';

// One thread: spinning threads of several sessions get in each other's way on a busy machine.
const loadTextEncoder = (
  spec: TextEncoderSpec,
  options: load.LoadEncoderOptions = {},
): Promise<TextEncoder> => load.loadTextEncoder(spec, { threads: 1, ...options });
const WORDS = ['i', 'am', 'happy', 'sad', 'dog', '.'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-load-'));
});
afterAll(() => rm(folder, { recursive: true }));

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
      /weight: is \[2, 2\]; expected \[128, 512\]/,
    ],
    [
      'a tensor holds integers',
      () => withWeights({ ...rest, [name]: int64([128, 512], new Array(65536).fill(1)) }),
      /contains I64/,
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
      /the file is truncated/,
    ],
  ])('are reported: %s', async (what, make, message) => {
    const dir = await writeFiles(join(folder, `bad ${what}`), make());
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
        const dir = await writeFiles(join(folder, `names${i}`), content);
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

  it('reports the folder that lacks them, and rejects more tokens than positions', async () => {
    await expect(loadTextEncoder(profiles.frozen.text, { weights: folder })).rejects.toMatchObject({
      code: 'weights',
      place: { file: join(folder, 'all-MiniLM-L6-v2') },
    });
    const dir = await writeFiles(join(folder, 'long'), files);
    await expect(loadTextEncoder({ ...profiles.frozen.text, folder: dir, maxTokens: 513 })).rejects.toThrow(
      /at most 512/,
    );
  });
});
