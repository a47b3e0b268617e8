// Safetensors: round trips, determinism, files written by Python, and hostile input.
import { mkdtemp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToFloat16,
  bytesOf,
  bytesPerElement,
  fromBytes,
  sizeOf,
  type DType,
  type Tensor,
  type Tensors,
} from '../../src/base/tensor.js';
import {
  openSafetensors,
  readSafetensorsFile,
  writeSafetensorsFile,
} from '../../src/base/safetensors-file.js';
import { encodeSafetensors, readSafetensors } from '../../src/base/safetensors.js';

const DTYPES: DType[] = ['float32', 'float16', 'int64', 'int32', 'uint8', 'int8', 'bool'];

const joined = (chunks: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(chunks));
const encode = (tensors: Tensors, metadata = {}): Uint8Array => joined(encodeSafetensors(tensors, metadata));

const anyTensor = fc
  .tuple(fc.constantFrom(...DTYPES), fc.array(fc.nat(5), { maxLength: 4 }), fc.nat())
  .map(([dtype, shape, seed]): Tensor => {
    const bytes = new Uint8Array(sizeOf(shape) * bytesPerElement(dtype));
    for (let i = 0; i < bytes.length; i++) bytes[i] = (seed + i * 37) & 0xff;
    return fromBytes(dtype, shape, bytes);
  });
const anyName = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .filter((name) => name !== '__metadata__' && !/\p{Surrogate}/u.test(name));
const anyTensors = fc.dictionary(fc.oneof(anyName, fc.constantFrom('7', '10', '__proto__')), anyTensor, {
  maxKeys: 6,
});

/** A file with this header and so many data bytes. */
function raw(header: unknown, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + json.length + dataBytes);
  new DataView(out.buffer).setBigUint64(0, BigInt(json.length), true);
  out.set(json, 8);
  return out;
}

const entry = (shape: number[], start: number, end: number, dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [start, end],
});

describe('safetensors in memory', () => {
  it('round-trips all dtypes, shapes and names', () => {
    fc.assert(
      fc.property(anyTensors, fc.dictionary(anyName, anyName), (tensors, metadata) => {
        const { tensors: read, metadata: texts } = readSafetensors(encode(tensors, metadata));
        expect(Object.keys(read).sort()).toEqual(Object.keys(tensors).sort());
        for (const [name, value] of Object.entries(tensors)) {
          const back = Object.entries(read).find(([key]) => key === name)![1];
          expect([back.dtype, back.shape]).toEqual([value.dtype, value.shape]);
          expect(bytesOf(back)).toEqual(bytesOf(value));
        }
        expect(Object.entries(texts).sort()).toEqual(Object.entries(metadata).sort());
      }),
    );
  });

  it('writes bytes independent of the order of its input, with every tensor aligned', () => {
    fc.assert(
      fc.property(anyTensors, (tensors) => {
        const reversed = Object.fromEntries(Object.entries(tensors).reverse());
        expect(encode(reversed, { a: '1', b: '2' })).toEqual(encode(tensors, { b: '2', a: '1' }));
        const chunks = encodeSafetensors(tensors);
        let position = 0;
        for (const [i, chunk] of chunks.entries()) {
          if (i > 0 && chunk.length > 0) {
            const width = Object.values(tensors).find((value) => bytesOf(value).buffer === chunk.buffer);
            expect(position % bytesPerElement(width!.dtype)).toBe(0);
          }
          position += chunk.length;
        }
      }),
    );
  });

  it('fails on arbitrary or damaged bytes with typed errors only', () => {
    const good = encode({
      a: fromBytes('float32', [2], new Uint8Array(8)),
      b: fromBytes('int64', [1], new Uint8Array(8)),
    });
    const refusesOrReads = (bytes: Uint8Array): void => {
      try {
        readSafetensors(bytes, { file: 'x.safetensors' });
      } catch (error) {
        expect(error).toMatchObject({ name: 'MienError', code: 'format', place: { file: 'x.safetensors' } });
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), refusesOrReads));
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
        const damaged = good.slice();
        damaged[at] = value;
        refusesOrReads(damaged);
      }),
      { numRuns: 1000 },
    );
    for (let length = 0; length < good.length; length++)
      expect(() => readSafetensors(good.subarray(0, length))).toThrow();
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(0), /0 bytes long, too short/],
    ['a header longer than the file', raw('{}', 0).fill(9, 0, 1), /claims 9 bytes, the file ends after 2/],
    ['an absurd header length', new Uint8Array(16).fill(255), /header claims 1844674407370955/],
    ['a header that is not JSON', raw('{"a":', 0), /not valid JSON/],
    ['a header that is not UTF-8', raw('{"aa":1}', 0).fill(0xff, 10, 11), /not valid JSON/],
    ['a header that is a list', raw('[]', 0), /not a JSON object/],
    ['an unknown dtype', raw({ a: entry([1], 0, 4, 'F31') }, 4), /^a: unknown dtype "F31"/],
    ['an inherited name as dtype', raw({ a: entry([1], 0, 4, 'toString') }, 4), /^a: unknown dtype/],
    ['a negative size', raw({ a: entry([-1], 0, 4) }, 4), /^a: shape \[-1\]/],
    ['a fractional size', raw({ a: entry([0.5], 0, 2) }, 2), /^a: shape/],
    ['a size beyond integers', raw({ a: entry([2 ** 52, 2 ** 52], 0, 4) }, 4), /^a: data_offsets/],
    ['offsets that do not fit the shape', raw({ a: entry([2], 0, 4) }, 4), /hold 4 bytes, F32 \[2\] takes 8/],
    ['offsets in reverse order', raw({ a: entry([1], 4, 0) }, 4), /^a: data_offsets \[4, 0\]/],
    ['three offsets', raw({ a: { ...entry([1], 0, 4), data_offsets: [0, 4, 4] } }, 4), /not two positions/],
    ['an overlap', raw({ a: entry([2], 0, 8), b: entry([1], 4, 8) }, 8), /^b: its bytes overlap those of a/],
    ['a gap', raw({ a: entry([1], 0, 4), b: entry([1], 8, 12) }, 12), /^b: 4 bytes between a and it/],
    ['a gap at the start', raw({ a: entry([1], 4, 8) }, 8), /^a: 4 bytes between the header and it/],
    ['a truncated file', raw({ a: entry([2], 0, 8) }, 7), /^a: its bytes end at 8, the file's data at 7/],
    ['trailing bytes', raw({ a: entry([1], 0, 4) }, 9), /5 bytes after the last tensor/],
    [
      'a duplicate name',
      raw('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061" :{}}', 0),
      /^a: appears twice/,
    ],
    [
      'a duplicate key',
      raw('{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}', 0),
      /^dtype: appears twice/,
    ],
    ['an unknown key', raw({ a: { ...entry([1], 0, 4), strides: [1] } }, 4), /^a: unknown key "strides"/],
    ['metadata that is not text', raw({ __metadata__: { a: 1 } }, 0), /^__metadata__: "a" is not a string/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(message);
  });

  it('reads zero-sized tensors, scalars and a padded header', () => {
    const { tensors } = readSafetensors(
      raw(`${JSON.stringify({ b: entry([], 0, 4), a: entry([3, 0], 0, 0), c: entry([0], 4, 4) })}   `, 4),
    );
    expect(Object.entries(tensors).map(([name, { shape }]) => [name, shape])).toEqual([
      ['b', []],
      ['a', [3, 0]],
      ['c', [0]],
    ]);
  });

  it('reads misaligned tensors, as other software writes them', () => {
    const file = raw({ a: entry([1], 0, 1, 'U8'), b: entry([2], 1, 9) }, 9);
    new DataView(file.buffer).setFloat32(file.length - 8, 1.5, true);
    expect(readSafetensors(file).tensors['b']!.data).toEqual(Float32Array.of(1.5, 0));
  });

  it('converts 16-bit and 64-bit floats on request only', () => {
    const file = raw(
      { a: entry([2], 0, 4, 'F16'), b: entry([2], 4, 8, 'BF16'), c: entry([1], 8, 16, 'F64') },
      16,
    );
    const view = new DataView(file.buffer, file.length - 16);
    for (const [at, bits] of [0x3e00, 0xfc00, 0x3fc0, 0xff80].entries()) view.setUint16(2 * at, bits, true);
    view.setFloat64(8, 0.1, true);
    const { tensors } = readSafetensors(file, { floats: 'float32' });
    expect(Object.values(tensors).map(({ data }) => [...(data as Float32Array)])).toEqual([
      [1.5, -Infinity],
      [1.5, -Infinity],
      [Math.fround(0.1)],
    ]);
    expect(readSafetensors(file, { names: ['a'] }).tensors['a']!.dtype).toBe('float16');
    expect(() => readSafetensors(file, { names: ['b'] })).toThrow(/^b: BF16 tensors cannot be read/);
  });

  it('refuses to write what the format cannot represent', () => {
    const value = fromBytes('uint8', [1], new Uint8Array(1));
    expect(() => encode({ __metadata__: value })).toThrow(/reserved/);
    expect(() => encode({ 'a\ud800': value })).toThrow(/surrogate/);
    expect(() => encode({ a: { ...value, shape: [2] } })).toThrow(/does not hold 1/);
  });
});

describe('half precision', () => {
  it('widens and narrows to the same bits', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const isNaN = (bits: number): boolean => (bits & 0x7fff) > 0x7c00;
    const back = float32ToFloat16(float16ToFloat32(all));
    expect([...back].filter((bits, i) => bits !== i && !isNaN(i))).toEqual([]);
    expect(isNaN(back[0x7c01]!)).toBe(true);
  });

  it('rounds to nearest, ties to even', () => {
    const values = Float32Array.of(
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      65519,
      65520,
      2 ** -25,
      3 * 2 ** -25,
      1e-10,
    );
    expect([...float32ToFloat16(values)]).toEqual([0x3c00, 0x3c02, 0x7bff, 0x7c00, 0, 2, 0]);
    expect([...bfloat16ToFloat32(Uint16Array.of(0x3f80, 0x4049))]).toEqual([1, 3.140625]);
  });
});

describe('safetensors files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mien-safetensors-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('round-trips through a file, whole or by name, without leaving temporary files', async () => {
    const path = join(folder, 'deep', 'a.safetensors');
    const a = fromBytes('float32', [2], new Uint8Array([0, 0, 128, 63, 0, 0, 0, 64]));
    const b = fromBytes('int64', [], new Uint8Array(8).fill(1));
    await writeSafetensorsFile(path, { a, b }, { kind: 'test' });
    expect(await readdir(join(folder, 'deep'))).toEqual(['a.safetensors']);
    const { tensors, metadata } = await readSafetensorsFile(path);
    expect(tensors).toEqual({ a, b });
    expect(metadata).toEqual({ kind: 'test' });
    expect(await readSafetensorsFile(path, { names: ['a'] })).toMatchObject({ tensors: { a } });
    await expect(readSafetensorsFile(path, { names: ['c'] })).rejects.toThrow(
      /a\.safetensors, c: no such tensor/,
    );
    expect(joined(encodeSafetensors({ b, a }, { kind: 'test' }))).toEqual(
      new Uint8Array(await readFile(path)),
    );
  });

  it('names a file that is missing, a folder, truncated, or truncated while open', async () => {
    await expect(readSafetensorsFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'file' });
    await expect(readSafetensorsFile(folder)).rejects.toThrow(/is a folder/);
    const path = join(folder, 'cut.safetensors');
    await writeSafetensorsFile(path, { a: fromBytes('uint8', [100], new Uint8Array(100)) });
    const file = await openSafetensors(path);
    await truncate(path, 100);
    await expect(file.read('a')).rejects.toThrow(/cut\.safetensors: ends after 100 bytes/);
    await file.close();
    await expect(readSafetensorsFile(path)).rejects.toThrow(/cut\.safetensors, a: .*the file is truncated/);
    await writeFile(path, 'abc');
    await expect(readSafetensorsFile(path)).rejects.toThrow(/3 bytes long/);
  });

  it('reads a file written by Python', async () => {
    const { tensors } = await readSafetensorsFile(
      join(import.meta.dirname, '../../../../test/golden/distilbert.safetensors'),
    );
    expect(tensors['last_hidden_state']!.shape).toEqual([2, 10, 768]);
  });
});
