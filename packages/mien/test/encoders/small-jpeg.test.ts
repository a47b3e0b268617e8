// Small JPEG files decoded without sharp: its pixels exactly, and whatever is unusual or damaged left to it.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp, { type JpegOptions } from 'sharp';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { decodeImage } from '../../src/encoders/images.js';
import { decodeSmallJpeg, loadSmallJpegs } from '../../src/encoders/small-jpeg.js';

const MOST = 50_000_000;
beforeAll(loadSmallJpegs);
const photograph = sharp(join(import.meta.dirname, '../../../../test/fixtures/astronaut.png'));

const jpegOf = (width: number, height: number, options: JpegOptions = {}): Promise<Buffer> =>
  photograph.clone().resize(width, height, { fit: 'fill' }).jpeg(options).toBuffer();

const greyJpeg = (width: number, height: number): Promise<Buffer> =>
  photograph.clone().resize(width, height).toColourspace('b-w').jpeg().toBuffer();

/** As `decodeImage` asks sharp. */
async function bySharp(bytes: Uint8Array) {
  const pipeline = sharp(bytes, { failOn: 'truncated' }).autoOrient().flatten({ background: '#ffffff' });
  const { data, info } = await pipeline
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: Uint8Array.from(data) };
}

/** 20 × 9 pixels in 4:2:2, which sharp does not write. */
const HALF_COLOURS = Buffer.from(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7' +
    'gYKBTmCNl4x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8' +
    'fHx8fHx8fHz/wAARCAAJABQDASEAAhEBAxEB/8QAFwABAQEBAAAAAAAAAAAAAAAAAgAEBf/EACcQAAEDAgQFBQAAAAAAAAAAAAIA' +
    'AQMEEQUSEzEzNENywVFhc5HR/8QAFQEBAQAAAAAAAAAAAAAAAAAAAwT/xAAZEQEAAwEBAAAAAAAAAAAAAAAAAQMxAhL/2gAMAwEA' +
    'AhEDEQA/ACBHT0ejCQb3HM97N6XbdKLFBpIpGqwHUkbMIgb2dre+yKOvUqO6/MaytjUUMccZUcpuIs2ZrPf6UkAVHwou/wDVyMZ5' +
    'kPh8uir1VfgwdTu8MpKlf//Z',
  'base64',
);

describe('the pixels of sharp', () => {
  it('for every width, height, quality and sampling', async () => {
    for (let width = 1; width <= 34; width += 1)
      for (const chromaSubsampling of ['4:2:0', '4:4:4']) {
        const quality = [2, 40, 80, 100][width % 4]!;
        const bytes = await jpegOf(width, 1 + ((width * 7) % 35), { quality, chromaSubsampling });
        expect(decodeSmallJpeg(bytes, MOST)).toEqual(await bySharp(bytes));
      }
    expect(decodeSmallJpeg(HALF_COLOURS, MOST)).toEqual(await bySharp(HALF_COLOURS));
  });

  it('for colours at the ends of their range', async () => {
    const noise = fc.uint8Array({ minLength: 192, maxLength: 192 });
    await fc.assert(
      fc.asyncProperty(noise, fc.integer({ min: 1, max: 100 }), async (values, quality) => {
        const data = values.map((value) => (value < 128 ? 0 : 255));
        const bytes = await sharp(data, { raw: { width: 8, height: 8, channels: 3 } })
          .jpeg({ quality })
          .toBuffer();
        expect(decodeSmallJpeg(bytes, MOST)).toEqual(await bySharp(bytes));
      }),
      { numRuns: 50 },
    );
  });

  it('for grey files', async () => {
    const bytes = await greyJpeg(31, 20);
    expect((await sharp(bytes).metadata()).channels).toBe(1);
    expect(decodeSmallJpeg(bytes, MOST)).toEqual(await bySharp(bytes));
  });

  it('for files decoded at the same time, each its own', async () => {
    const files = await Promise.all([20, 50, 30, 40].map((size) => jpegOf(size, size)));
    const images = await Promise.all([...files, ...files].map((bytes) => decodeImage(bytes)));
    for (const [i, image] of images.entries()) {
      expect(image).toEqual(await bySharp(files[i % 4]!));
    }
  });
});

describe('what is left to sharp', () => {
  const unusual: [string, () => Promise<Uint8Array>][] = [
    ['a progressive file', () => jpegOf(20, 20, { progressive: true })],
    ['one of CMYK', () => photograph.clone().resize(20).toColourspace('cmyk').jpeg().toBuffer()],
    ['a turned one', () => photograph.clone().resize(20).withMetadata({ orientation: 6 }).jpeg().toBuffer()],
    ['one with a colour profile', () => photograph.clone().resize(20).withIccProfile('p3').jpeg().toBuffer()],
    ['a large one', () => jpegOf(257, 256)],
    ['a truncated one', async () => (await jpegOf(20, 20)).subarray(0, -9)],
    ['one that ends in its header', async () => (await jpegOf(20, 20)).subarray(0, 100)],
    ['a PNG', () => photograph.clone().resize(20).png().toBuffer()],
    ['nothing', () => Promise.resolve(new Uint8Array(0))],
    [
      'one much longer than its pixels',
      async () => Buffer.concat([await jpegOf(9, 9), Buffer.alloc(1 << 20)]),
    ],
  ];
  it.each(unusual)('%s', async (_, make) => {
    expect(decodeSmallJpeg(await make(), MOST)).toBeUndefined();
  });

  it('a file of more pixels than allowed, which is refused by its size', async () => {
    const bytes = await jpegOf(20, 30);
    expect(decodeSmallJpeg(bytes, 600)).toBeDefined();
    expect(decodeSmallJpeg(bytes, 599)).toBeUndefined();
    await expect(decodeImage(bytes, { maxPixels: 599 })).rejects.toThrow(/has 20 × 30 pixels/);
  });

  it('a header that promises more than the file holds', async () => {
    const bytes = await jpegOf(20, 20);
    const frame = bytes.indexOf(Buffer.of(0xff, 0xc0));
    bytes.writeUInt16BE(250, frame + 5);
    expect(decodeSmallJpeg(bytes, MOST)).toBeUndefined();
    // Which sharp makes up.
    expect(await decodeImage(bytes)).toEqual(await bySharp(bytes));
  });

  it('damage after damage, and whole files are still decoded', async () => {
    const whole = await jpegOf(20, 20);
    const expected = await bySharp(whole);
    const damaged = whole.subarray(0, -9);
    // The decoder loses some stack to each and is replaced in time: it would fail after some 4,000.
    for (let i = 0; i < 5000; i++) {
      if (decodeSmallJpeg(damaged, MOST)) throw new Error('a truncated file was decoded');
      if (i % 100 === 0) await loadSmallJpegs();
      if (i % 500 === 0) expect(decodeSmallJpeg(whole, MOST)).toEqual(expected);
    }
    await loadSmallJpegs();
    expect(decodeSmallJpeg(whole, MOST)).toEqual(expected);
  });
});

/** Digests of sharp's pixels by a process in which libjpeg computes without vector instructions; '' for what it rejects. */
async function digestsBySharp(files: readonly Uint8Array[]): Promise<string[]> {
  const script = `
    const { createHash } = require('node:crypto');
    const sharp = require('sharp');
    const digest = async (file) => {
      const { data, info } = await sharp(Buffer.from(file, 'base64'), { failOn: 'truncated' })
        .autoOrient().flatten({ background: '#ffffff' }).toColourspace('srgb').raw({ depth: 'uchar' })
        .toBuffer({ resolveWithObject: true });
      return createHash('sha256').update(info.width + 'x' + info.height).update(data).digest('hex');
    };
    let text = '';
    process.stdin.on('data', (part) => (text += part)).on('end', async () => {
      const digests = [];
      for (const file of JSON.parse(text)) digests.push(await digest(file).catch(() => ''));
      console.log(JSON.stringify(digests));
    });`;
  const stdout = await new Promise<string>((resolve, reject) => {
    const env = { ...process.env, JSIMD_FORCENONE: '1' };
    const options = { env, cwd: import.meta.dirname, maxBuffer: 1 << 24 };
    const child = execFile(process.execPath, ['-e', script], options, (error, out) =>
      error ? reject(error as Error) : resolve(out),
    );
    child.stdin!.end(JSON.stringify(files.map((file) => Buffer.from(file).toString('base64'))));
  });
  return JSON.parse(stdout) as string[];
}

/**
 * Coefficients that no encoder writes overflow differently in libjpeg's vector instructions and without them, so that
 * sharp's own pixels of such damage depend on the processor: it is compared without them.
 */
it('damaged files: the same pixels as sharp, or left to it', async () => {
  const [colour, fine, grey] = await Promise.all([
    jpegOf(40, 24),
    jpegOf(24, 17, { chromaSubsampling: '4:4:4' }),
    greyJpeg(32, 32),
  ]);
  const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const flips = fc.array(fc.tuple(share, fc.nat(7)), { minLength: 1, maxLength: 2 });
  const whole = fc.constantFrom(colour, fine, grey, HALF_COLOURS);
  const flipped = fc.tuple(whole, flips, fc.boolean()).map(([file, bits, inHeader]) => {
    const bytes = Buffer.from(file);
    const scan = bytes.indexOf(Buffer.of(0xff, 0xda)) + 12;
    const [start, length] = inHeader ? [0, scan] : [scan, bytes.length - scan];
    for (const [place, bit] of bits) bytes[start + Math.floor(place * length)]! ^= 1 << bit;
    return bytes;
  });
  const cut = fc
    .tuple(whole, share)
    .map(([file, place]) => file.subarray(0, Math.floor(place * file.length)));
  const inserted = fc
    .tuple(whole, share, fc.uint8Array({ minLength: 1, maxLength: 12 }))
    .map(([file, place, bytes]) => {
      const at = Math.floor(place * file.length);
      return Buffer.concat([file.subarray(0, at), bytes, file.subarray(at)]);
    });
  const damaged = fc.oneof({ arbitrary: flipped, weight: 4 }, cut, inserted);
  const files = fc.sample(damaged, { numRuns: 600, seed: 1 });
  const digests = await digestsBySharp(files);
  let decoded = 0;
  for (const [i, file] of files.entries()) {
    // It is replaced in between.
    await loadSmallJpegs();
    const image = decodeSmallJpeg(file, MOST);
    if (!image) continue;
    decoded += 1;
    const size = `${image.width}x${image.height}`;
    expect(createHash('sha256').update(size).update(image.data).digest('hex')).toBe(digests[i]);
  }
  expect(decoded).toBeGreaterThan(50);
});

describe('loading the codec', () => {
  const codec = '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs';
  afterEach(() => {
    vi.doUnmock(codec);
    vi.resetModules();
  });

  it('happens after many small files, which sharp decodes until then', async () => {
    vi.resetModules();
    let loads = 0;
    vi.doMock(codec, async (original) => {
      const { default: load } = await original<{ default: (options: object) => Promise<unknown> }>();
      return {
        default: (options: object) => {
          loads += 1;
          return load(options);
        },
      };
    });
    const { decodeSmallJpeg: small, loadSmallJpegs: loaded } =
      await import('../../src/encoders/small-jpeg.js');
    const [bytes, other] = await Promise.all([jpegOf(20, 20), jpegOf(20, 20, { progressive: true })]);
    for (let i = 0; i < 200; i++) expect(small(other, MOST)).toBeUndefined();
    for (let i = 0; i < 128; i++) expect(small(bytes, MOST)).toBeUndefined();
    // Had it begun to load, this would be later.
    await import(/* @vite-ignore */ codec);
    expect(loads).toBe(0);
    expect(small(bytes, MOST)).toBeUndefined();
    await vi.waitFor(() => expect(loads).toBe(1));
    await loaded();
    expect(small(bytes, MOST)).toEqual(await bySharp(bytes));
    expect(loads).toBe(1);
  });

  it('fails where it is not installed, and sharp decodes everything', async () => {
    vi.resetModules();
    vi.doMock(codec, () => {
      throw new Error('Cannot find package');
    });
    const { decodeSmallJpeg: small, loadSmallJpegs: loaded } =
      await import('../../src/encoders/small-jpeg.js');
    const { decodeImage: decode } = await import('../../src/encoders/images.js');
    const bytes = await jpegOf(20, 20);
    await loaded();
    expect(small(bytes, MOST)).toBeUndefined();
    expect(await decode(bytes)).toEqual(await bySharp(bytes));
  });
});
