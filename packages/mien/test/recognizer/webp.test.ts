// The orientation of WebP files is read and removed, and nothing else changes, whatever the bytes.
import fc from 'fast-check';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { takeOrientation } from '../../src/recognizer/browser/webp.js';

const picture = () => sharp({ create: { width: 8, height: 4, channels: 3, background: '#f80' } });
const webp = async (orientation: number): Promise<Buffer> =>
  picture().withMetadata({ orientation }).webp().toBuffer();
const taken = async (bytes: Uint8Array) => {
  const { blob, orientation } = await takeOrientation(new Blob([Uint8Array.from(bytes)]));
  return { orientation, bytes: Buffer.from(await blob.arrayBuffer()) };
};

/** A WebP file with one chunk of EXIF data. */
function withExif(data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from('WEBPEXIF....'), data]);
  const head = Buffer.from('RIFF....');
  head.writeUInt32LE(body.length, 4);
  body.writeUInt32LE(data.length, 8);
  return Buffer.concat([head, body]);
}

test('is read and removed, so that the image is not rotated twice', async () => {
  for (const orientation of [2, 3, 4, 5, 6, 7, 8]) {
    const file = await webp(orientation);
    expect((await sharp(file).metadata()).orientation).toBe(orientation);
    const found = await taken(file);
    expect(found.orientation).toBe(orientation);
    expect(found.bytes).toHaveLength(file.length);
    const { orientation: left, width, height } = await sharp(found.bytes).metadata();
    expect([left, width, height]).toEqual([undefined, 8, 4]);
  }
});

test('files without one, or of another type, do not change', async () => {
  const png = await picture().withMetadata({ orientation: 6 }).png().toBuffer();
  for (const file of [await webp(1), await picture().webp().toBuffer(), png, Buffer.from('RIFF')])
    expect(await taken(file)).toEqual({ orientation: 1, bytes: file });
});

test('is read from EXIF data in both byte orders, with and without the marker of JPEG files', async () => {
  const little = Buffer.from('49492a0008000000' + '0200' + '0f01020001000000' + '41000000' + '1201030001000000' + '06000000' + '00000000', 'hex'); // prettier-ignore
  const big = Buffer.from('4d4d002a00000008' + '0001' + '0112000300000001' + '00080000' + '00000000', 'hex');
  const marked = Buffer.concat([Buffer.from('Exif\0\0'), little]);
  const found = await Promise.all([little, big, marked].map((data) => taken(withExif(data))));
  expect(found.map(({ orientation }) => orientation)).toEqual([6, 8, 6]);
});

test('damaged files are passed on to the browser', async () => {
  const file = await webp(6);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(file.length),
      fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { maxLength: 8 }),
      async (length, changes) => {
        const bytes = Buffer.from(file);
        for (const [at, value] of changes) bytes[at] = value;
        const found = await taken(bytes.subarray(0, length));
        expect(found.bytes).toHaveLength(length);
        expect([1, 2, 3, 4, 5, 6, 7, 8]).toContain(found.orientation);
      },
    ),
  );
});
