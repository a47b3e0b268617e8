// Decoding: every file format to the same 8-bit RGB, and typed errors for anything that is not an image.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rgbFromGrey } from '../../src/encoders/encoder.js';
import { decodeImage, decodeImages } from '../../src/encoders/images.js';
import { nodeDecoder } from '../../src/recognizer/node/images.js';
import { pngOf } from '../server/images.js';

const astronaut = join(import.meta.dirname, '../../../../test/fixtures/astronaut.png');

/** A 2×1 image, red then blue. */
const pixels = Uint8Array.of(255, 0, 0, 0, 0, 255);
const picture = () => sharp(pixels, { raw: { width: 2, height: 1, channels: 3 } });

describe('decoding', () => {
  it('gives the pixels of a lossless file', async () => {
    const expected = { width: 2, height: 1, data: pixels };
    for (const bytes of [
      await picture().png().toBuffer(),
      await picture().webp({ lossless: true }).toBuffer(),
      await picture().tiff({ compression: 'lzw' }).toBuffer(),
      await picture().png({ palette: true }).toBuffer(),
      await picture().toColourspace('rgb16').png().toBuffer(),
      await picture().ensureAlpha().png().toBuffer(),
    ])
      expect(await decodeImage(bytes)).toEqual(expected);
  });

  it('turns images upright', async () => {
    const bytes = await picture().withMetadata({ orientation: 6 }).png().toBuffer();
    expect(await decodeImage(bytes)).toEqual({ width: 1, height: 2, data: pixels });
  });

  it('makes grey images RGB, 16-bit ones too', async () => {
    const grey = sharp(Uint8Array.of(0, 77, 255), { raw: { width: 3, height: 1, channels: 1 } });
    const expected = Uint8Array.of(0, 0, 0, 77, 77, 77, 255, 255, 255);
    expect((await decodeImage(await grey.clone().png().toBuffer())).data).toEqual(expected);
    expect((await decodeImage(await grey.clone().toColourspace('grey16').png().toBuffer())).data).toEqual(
      expected,
    );
    expect(rgbFromGrey({ width: 3, height: 1, data: Uint8Array.of(0, 77, 255) }).data).toEqual(expected);
  });

  it('flattens transparent images onto white', async () => {
    const clear = sharp(Uint8Array.of(9, 9, 9, 0), { raw: { width: 1, height: 1, channels: 4 } });
    expect((await decodeImage(await clear.png().toBuffer())).data).toEqual(Uint8Array.of(255, 255, 255));
  });

  it('converts CMYK photographs', async () => {
    const bytes = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#f00' } })
      .toColourspace('cmyk')
      .jpeg()
      .toBuffer();
    const { width, height, data } = await decodeImage(bytes);
    expect([width, height, data.length]).toEqual([8, 8, 192]);
    expect(data[0]).toBeGreaterThan(200);
    expect(data[1]).toBeLessThan(80);
  });

  it('keeps the order of images whichever finishes first', async () => {
    const small = await picture().png().toBuffer();
    const images = await decodeImages([astronaut, small, astronaut, small], { concurrency: 2 });
    expect(images.map(({ width }) => width)).toEqual([images[0]!.width, 2, images[0]!.width, 2]);
  });
});

describe('what cannot be decoded', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mien-images-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const broken: [string, () => Promise<Uint8Array>][] = [
    ['an empty file', () => Promise.resolve(new Uint8Array(0))],
    ['text', () => Promise.resolve(new TextEncoder().encode('this is no image, it is a sentence'))],
    ['a truncated JPEG', async () => (await sharp(astronaut).jpeg().toBuffer()).subarray(0, 5000)],
    ['a truncated PNG', async () => (await sharp(astronaut).png().toBuffer()).subarray(0, 5000)],
    [
      'a drawing',
      () =>
        Promise.resolve(
          new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
        ),
    ],
  ];
  it.each(broken)('rejects %s and names the file', async (_, make) => {
    const path = join(folder, 'face.jpg');
    await writeFile(path, await make());
    await expect(decodeImage(path)).rejects.toMatchObject({ code: 'data', place: { file: path } });
  });

  it('rejects images that are too large before decoding them', async () => {
    await expect(decodeImage(astronaut, { maxPixels: 100 })).rejects.toMatchObject({ code: 'data' });
    // By its header: the file does not contain that many pixels.
    await expect(decodeImage(pngOf(8000, 8001, new Uint8Array(100)), { file: 'a.png' })).rejects.toThrow(
      'a.png: has 8000 × 8001 pixels (64 megapixels), more than the limit of 50 megapixels\n' +
        'Scale it down, or raise the limit with maxPixels: 64008000 (on the command line: --max-pixels 65).',
    );
    const turned = await picture().withMetadata({ orientation: 6 }).png().toBuffer();
    await expect(decodeImage(turned, { maxPixels: 1 })).rejects.toThrow(/has 1 × 2 pixels/);
    const raw = { width: 2, height: 1, data: pixels };
    await expect(nodeDecoder({ maxPixels: 1 })(raw)).rejects.toThrow(/has 2 × 1 pixels/);
    expect(await nodeDecoder({ maxPixels: 2 })(raw)).toEqual(raw);
  });

  it('reports a missing file', async () => {
    await expect(decodeImage(join(folder, 'none.png'))).rejects.toMatchObject({ code: 'file' });
  });
});
