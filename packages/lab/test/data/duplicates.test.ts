// The near-duplicate rule: what it must find, what it must leave apart, and that the hash tables miss nothing.
import { defined } from 'mien-engine/base';
import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { findDuplicates } from '../../src/data/duplicates.js';
import { decodeGrey, hashFaces, isConstant, perceptualHash, type FaceHash } from '../../src/data/hashing.js';
import type { FaceItem } from 'mien/parts/data';
import { folderWith, jpeg, pattern } from './fixtures.js';

const ASTRONAUT = 'test/fixtures/astronaut.png';

/** The astronaut's face, or what lies at another place. */
const crop = (left = 171, top = 73, side = 108) =>
  sharp(ASTRONAUT).extract({ left, top, width: side, height: side });

const hashOf = async (image: Sharp): Promise<FaceHash> => {
  const grey = await decodeGrey(await image.png().toBuffer());
  return { sha256: '', pixels: '', bits: perceptualHash(grey), constant: isConstant(grey) };
};

const recoded = async (image: Sharp, quality: number) => sharp(await image.jpeg({ quality }).toBuffer());

describe('photographs', () => {
  let face: FaceHash;
  beforeAll(async () => {
    face = await hashOf(crop());
  });

  const found = async (other: Sharp) => {
    const { group, pairs } = findDuplicates([face, await hashOf(other)]);
    return { same: group[0] === group[1], mirrored: pairs[0]?.mirrored };
  };

  it('finds recompressed, rescaled, grey, brighter and slightly noisy copies', async () => {
    for (const copy of [
      await recoded(crop(), 25),
      crop().resize(48, 48),
      crop().resize(48, 48).greyscale(),
      await recoded(crop().resize(100, 100).modulate({ brightness: 1.2 }), 60),
      crop().linear(0.6, 40),
      crop().blur(1),
    ])
      expect(await found(copy)).toMatchObject({ same: true });
  });

  it('finds a crop shifted by one pixel in a hundred', async () => {
    expect(await found(crop(172, 74).resize(48, 48))).toMatchObject({ same: true });
  });

  it('finds a mirrored copy and marks it as mirrored', async () => {
    expect(await found(await recoded(crop().flop().resize(64, 64), 70))).toEqual({
      same: true,
      mirrored: true,
    });
  });

  it('separates different crops, scales and upside-down copies', async () => {
    for (const other of [
      crop(175, 77),
      crop(191, 93),
      crop(131, 73),
      crop(151, 53, 148),
      crop().flip(),
      crop(300, 300),
    ])
      expect(await found(other)).toMatchObject({ same: false });
  });
});

const HEX = '0123456789abcdef';
const bitsFrom = (values: Uint8Array): string => [...values].map((value) => HEX[value & 15]).join('');
const asHash = (bits: string, constant = false): FaceHash => ({ sha256: bits, pixels: bits, bits, constant });

/** Bits that differ between two hashes. */
const distance = (a: string, b: string): number =>
  [...a].reduce((sum, digit, i) => {
    const differing = Number.parseInt(digit, 16) ^ Number.parseInt(b[i]!, 16);
    return sum + [1, 2, 4, 8].filter((bit) => differing & bit).length;
  }, 0);

const code = fc.uint8Array({ minLength: 64, maxLength: 64 }).map((values) => {
  values[0] = values[0]! & 7; // the mean's bit is always 0
  return bitsFrom(values);
});

describe('search', () => {
  it('groups exactly the faces within the distance, with correct distances', () => {
    fc.assert(
      fc.property(
        fc.array(code, { minLength: 1, maxLength: 12 }),
        fc.array(fc.tuple(fc.nat(11), fc.uniqueArray(fc.integer({ min: 1, max: 255 }), { maxLength: 12 })), {
          maxLength: 12,
        }),
        (bases, variants) => {
          const codes = [
            ...bases,
            ...variants.map(([base, flips]) => {
              const digits = [...bases[base % bases.length]!].map((digit) => Number.parseInt(digit, 16));
              for (const bit of flips) digits[bit >> 2]! ^= 8 >> (bit & 3);
              return digits.map((digit) => HEX[digit]).join('');
            }),
          ];
          const { group, pairs } = findDuplicates(codes.map((bits) => asHash(bits)));
          variants.forEach(([base], i) => expect(group[bases.length + i]).toBe(group[base % bases.length]));
          for (const pair of pairs.filter(({ mirrored }) => !mirrored)) {
            expect(pair.distance).toBe(distance(codes[pair.a]!, codes[pair.b]!));
            expect(pair.distance).toBeLessThanOrEqual(48);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('mirroring flips only the odd horizontal frequencies', () => {
    const data = pattern(7, 48);
    const mirrored = Uint8Array.from(data, (_, i) => data[i - (i % 48) + 47 - (i % 48)]!);
    const [bits, flipped] = [data, mirrored].map((grey) =>
      perceptualHash({ width: 48, height: 48, data: grey }),
    ) as [string, string];
    const odd = [...bits].map((digit) => HEX[Number.parseInt(digit, 16) ^ 5]).join('');
    expect(distance(odd, flipped)).toBeLessThanOrEqual(1);
    expect(distance(bits, flipped)).toBeGreaterThan(100);
  });

  it('does not group constant and missing images', () => {
    const same = 'f'.repeat(64);
    const { group, pairs } = findDuplicates([
      asHash(same, true),
      undefined,
      asHash(same),
      asHash(same, true),
    ]);
    expect([...group]).toEqual([0, 1, 2, 3]);
    expect(pairs).toEqual([]);
  });
});

describe('hashing files', () => {
  const item = (path: string, row?: number): FaceItem => ({
    id: path,
    label: 'joy',
    dataset: 'fer2013',
    split: 'train',
    image: { kind: 'file', path },
    file: path,
    ...defined({ row }),
  });

  it('gives equal pixels in a CSV and in a lossless file the same pixel hash', async () => {
    const data = pattern(3, 48);
    const png = await sharp(Buffer.from(data), { raw: { width: 48, height: 48, channels: 1 } })
      .png()
      .toBuffer();
    const folder = await folderWith({ 'a.png': png });
    const inMemory: FaceItem = {
      ...item('memory'),
      image: { kind: 'pixels', width: 48, height: 48, data },
    };
    const { hashes } = await hashFaces([item(`${folder}/a.png`), inMemory]);
    const [file, memory] = [hashes.get(`${folder}/a.png`)!, hashes.get('memory')!];
    expect(file.pixels).toBe(memory.pixels);
    expect(file.bits).toBe(memory.bits);
    expect(file.sha256).not.toBe(memory.sha256);
  });

  it('reports a truncated JPEG, an empty file and a file that is not an image, or skips them', async () => {
    const whole = await jpeg(1);
    const folder = await folderWith({
      'good.jpg': whole,
      'cut.jpg': whole.subarray(0, Math.floor(whole.length * 0.6)),
      'empty.jpg': '',
      'text.jpg': 'not an image',
    });
    const paths = ['good', 'cut', 'empty', 'text'].map((name) => `${folder}/${name}.jpg`);
    for (const path of paths.slice(1))
      await expect(hashFaces([item(path, 9)])).rejects.toMatchObject({
        code: 'data',
        place: { file: path, row: 9 },
      });
    await expect(hashFaces([item(paths[1]!)])).rejects.toThrow(
      /cannot be decoded as an image[^]*is the file truncated/,
    );
    const { hashes, skipped } = await hashFaces(
      paths.map((path) => item(path)),
      { skipInvalid: true },
    );
    expect([...hashes.keys()]).toEqual([paths[0]]);
    expect(skipped.map(({ file }) => file).sort()).toEqual(paths.slice(1).sort());
  });

  it('reuses known hashes only if the bytes are unchanged', async () => {
    const folder = await folderWith({ 'a.jpg': await jpeg(1), 'b.jpg': await jpeg(2) });
    const items = ['a', 'b'].map((name) => item(`${folder}/${name}.jpg`));
    const { hashes } = await hashFaces(items);
    const [a, b] = items.map(({ id }) => hashes.get(id)!) as [FaceHash, FaceHash];
    const marked = new Map([
      [items[0]!.id, { ...a, bits: 'kept' }],
      [items[1]!.id, { ...b, bits: 'stale', sha256: 'other bytes' }],
    ]);
    const again = await hashFaces(items, { known: marked });
    expect(again.hashes.get(items[0]!.id)!.bits).toBe('kept');
    expect(again.hashes.get(items[1]!.id)).toEqual(b);
  });
});
