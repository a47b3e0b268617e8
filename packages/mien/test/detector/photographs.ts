// The tests' photographs: the astronaut, whole, rotated, small and pasted several times.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Point } from '../../src/detector/face.js';
import type { DecodedImage } from '../../src/encoders/encoder.js';
import { decodeImage } from '../../src/encoders/images.js';

const root = join(import.meta.dirname, '../../../..');

export const readModel = (): Promise<Uint8Array> =>
  readFile(join(root, 'models/blazeface/face_detection_back_256x256.onnx'));

/** Eileen Collins, 512×512. */
export const astronaut = (): Promise<DecodedImage> => decodeImage(join(root, 'test/fixtures/astronaut.png'));

/** Centres of her eyes, measured in the photograph. */
export const EYES: { right: Point; left: Point } = {
  right: { x: 204, y: 101.5 },
  left: { x: 247, y: 103.5 },
};

const raw = ({ width, height, data }: DecodedImage) =>
  sharp(Buffer.from(data), { raw: { width, height, channels: 3 } });

async function pixels(image: ReturnType<typeof sharp>): Promise<DecodedImage> {
  const { data, info } = await image.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: new Uint8Array(data) };
}

export const resized = (image: DecodedImage, width: number): Promise<DecodedImage> =>
  pixels(raw(image).resize(width));

/** Rotated clockwise by degrees about its centre, on black. */
export const turned = (image: DecodedImage, degrees: number): Promise<DecodedImage> =>
  pixels(raw(image).rotate(degrees, { background: '#000' }));

/** A rectangle of an image. */
export const part = (
  image: DecodedImage,
  left: number,
  top: number,
  width: number,
  height: number,
): Promise<DecodedImage> => pixels(raw(image).extract({ left, top, width, height }));

export const plain = (width: number, height: number, value: number): DecodedImage => ({
  width,
  height,
  data: new Uint8Array(width * height * 3).fill(value),
});

/** Images pasted onto a grey background, by their upper left corners. */
export function pasted(
  width: number,
  height: number,
  parts: readonly (readonly [DecodedImage, number, number])[],
): DecodedImage {
  const background = plain(width, height, 128);
  for (const [image, left, top] of parts)
    for (let y = 0; y < image.height; y++)
      background.data.set(
        image.data.subarray(3 * y * image.width, 3 * (y + 1) * image.width),
        3 * ((top + y) * width + left),
      );
  return background;
}
