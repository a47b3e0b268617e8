// Image files for tests, the bad ones made by hand.
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { faceOf } from '../../../../test/support/bundle.js';

/** A file that shows a face of the label, as the legible bundle sees it. */
export const fileOf = async (
  label: Parameters<typeof faceOf>[0],
  format: 'png' | 'jpeg' = 'png',
  size = 48,
) => {
  const { data, width, height } = faceOf(label, size);
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  return (await image
    .toFormat(format, format === 'jpeg' ? { quality: 100, chromaSubsampling: '4:4:4' } : {})
    .toBuffer()) as Buffer;
};

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** A grey PNG that says it has so many pixels, whatever its data holds. */
export function pngOf(
  width: number,
  height: number,
  pixels: Uint8Array,
  extra: Buffer = Buffer.alloc(0),
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    extra,
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A compressed comment that is a thousand times as long as its chunk. */
export const commentBomb = (bytes: number): Buffer =>
  chunk('zTXt', Buffer.concat([Buffer.from('Comment\0\0', 'latin1'), deflateSync(Buffer.alloc(bytes, 97))]));
