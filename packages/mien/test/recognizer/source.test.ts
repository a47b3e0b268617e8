// Image sources: data URLs in every spelling, the same in Node and browsers, and a typed error with advice for any value
// that is not an image.
import { createReadStream } from 'node:fs';
import fc from 'fast-check';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { bytesOfBase64, bytesOfDataUrl } from '../../src/recognizer/data-url.js';
import { nodeDecoder } from '../../src/recognizer/node/images.js';
import { sourceOf } from '../../src/recognizer/source.js';

const png = async (): Promise<Buffer> =>
  sharp(Buffer.from([255, 0, 0, 0, 0, 255]), { raw: { width: 2, height: 1, channels: 3 } })
    .png()
    .toBuffer();
const PIXELS = { width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 0, 0, 255) };

test('decodes base64 in both alphabets, with or without padding, and across lines', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 9 }), (bytes, width) => {
      const buffer = Buffer.from(bytes);
      const lines = buffer.toString('base64').replace(new RegExp(`.{${width}}`, 'g'), '$&\r\n');
      for (const text of [buffer.toString('base64'), buffer.toString('base64url'), lines])
        expect(bytesOfBase64(text)).toEqual(bytes);
      const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
      expect(bytesOfDataUrl(`data:image/png,${percent}`)).toEqual(bytes);
      const encoded = encodeURIComponent(buffer.toString('base64'));
      expect(bytesOfDataUrl(`data:image/png;base64,${encoded}`)).toEqual(bytes);
    }),
  );
  for (const text of ['no base64!', 'a', 'ab=c', 'é']) expect(bytesOfBase64(text)).toBeUndefined();
  // These must take linear time.
  expect(bytesOfBase64(`${'='.repeat(1e6)}a`)).toBeUndefined();
  expect(bytesOfBase64(`${' '.repeat(1e6)}YQ`)).toEqual(Uint8Array.of(97));
});

test('decodes data URLs as fetch does', async () => {
  for (const url of [
    'data:,a?b=%41&c',
    'data:text/plain,100%25 %zz %4',
    'DATA:;charset=utf-8,é#fragment',
    '  data:;BASE64,YWI=',
    'data:image/png ; base64 ,YWI',
    'data:x;base64,%59%57%49%3D#x',
  ])
    expect(bytesOfDataUrl(url), url).toEqual(new Uint8Array(await (await fetch(url)).arrayBuffer()));
  expect(() => bytesOfDataUrl('data:image/png;base64')).toThrow(/without a comma/);
  expect(() => bytesOfDataUrl('data:image/png;base64,?')).toThrow(/invalid base64/);
});

test('reads object URLs and bytes of every kind in Node', async () => {
  const bytes = await png();
  const decode = nodeDecoder({ files: false });
  const url = URL.createObjectURL(new Blob([Uint8Array.from(bytes)]));
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  const clamped = Uint8ClampedArray.from(bytes);
  for (const given of [url, new URL(url), shared, shared.buffer, clamped, new DataView(clamped.buffer)])
    expect(await decode(given)).toEqual(PIXELS);
  URL.revokeObjectURL(url);
  await expect(decode(url)).rejects.toThrow(/has been revoked/);
});

test('names the kind of a value that is not an image, with advice', async () => {
  const stream = createReadStream(import.meta.filename);
  const gone = new ArrayBuffer(8);
  structuredClone(gone, { transfer: [gone] });
  for (const [given, message] of [
    [Promise.resolve(), /a Promise is not an image\n.*await/],
    [new Response('x'), /a Response is not an image\n.*await response\.blob\(\)/],
    [new Request('http://localhost'), /a Request is not an image\n.*blob/],
    [new Blob(['x']).stream(), /a ReadableStream is not an image\n.*new Response\(stream\)/],
    [stream, /a ReadStream is not an image\n.*toArray/],
    [[255, 0, 0], /an Array is not an image\n.*width, height, data/],
    [new Float32Array(12), /a Float32Array is not an image/],
    [JSON.parse(JSON.stringify(Buffer.from('x'))), /an Object is not an image/],
    [gone, /contains no bytes\n.*transferred/],
    [new Uint8Array(gone.byteLength), /contains no bytes/],
    [' ', /is an empty string/],
    [7n, /a bigint is not an image/],
  ] as const)
    expect(() => sourceOf(given)).toThrow(message);
  stream.destroy();

  const decode = nodeDecoder();
  for (const [given, message] of [
    ['file://host/x.png', /not of a local file\n/],
    ['file:///pictures/100%.jpg', /not of a local file\n.*%25/],
    ['http://', /is not a URL/],
    ['https://example.com/face.jpg', /not fetched from the network \(https:\/\/example\.com\)/],
    [new URL('ftp://example.com/face.jpg'), /not fetched from the network \(ftp:/],
    ['/dev/zero', /is a device/],
    ['a\0b', /cannot read/],
    [(await png()).toString('base64').repeat(100), /^.{1,400}\n.*data:image\/jpeg;base64,/],
  ] as const)
    await expect(decode(given), String(given).slice(0, 40)).rejects.toThrow(message);
});
