// Training images in memory: decoded once, resized by the graph, kept as bytes.
import { tensor } from '../base/tensor.js';
import { silentProgress, type Progress } from '../base/progress.js';
import type { FaceImage } from '../data/types.js';
import type { DecodedImage } from '../encoders/encoder.js';
import { decodeImages, rgbFromGrey } from '../encoders/images.js';
import { bySize, createPreprocessing } from '../encoders/load-face.js';

/** Images that are decoded together. */
const CHUNK = 256;

/** Something with an image: a face of a data set, or a row of somebody's own table. */
export interface Pictured {
  readonly image: FaceImage;
}

/** Decodes faces in their order. @throws MienError as `decodeImage` does, naming the file. */
export async function decodeFaces(faces: readonly Pictured[]): Promise<DecodedImage[]> {
  const files = faces.flatMap(({ image }) => (image.kind === 'file' ? [image.path] : []));
  const decoded = (await decodeImages(files)).values();
  return faces.map(({ image }) =>
    image.kind === 'file' ? (decoded.next().value as DecodedImage) : rgbFromGrey(image),
  );
}

export interface KeptImages {
  readonly size: number;
  readonly count: number;
  /** Copies one image, 8 bit `[3, size, size]`, to `target` from `offset` on. */
  copy(index: number, target: Uint8Array, offset: number): void;
}

/** Decodes and resizes faces to `size`, for augmentation to sample from. */
export async function keepImages(
  faces: readonly Pictured[],
  size: number,
  progress: Progress = silentProgress,
): Promise<KeptImages> {
  const preprocessing = await createPreprocessing({ size, mean: [0, 0, 0], std: [1, 1, 1] });
  const bytes = 3 * size * size;
  const all = new Uint8Array(faces.length * bytes);
  progress.begin('decode faces', faces.length, 'faces');
  try {
    let done = 0;
    for (let start = 0; start < faces.length; start += CHUNK) {
      const images = await decodeFaces(faces.slice(start, start + CHUNK));
      for (const run of bySize(images)) {
        const { width, height } = run[0]!;
        const shape = [run.length, height, width, 3];
        const pixels = tensor('uint8', shape, Buffer.concat(run.map(({ data }) => data)));
        const { resized } = await preprocessing.run({ pixels }, ['resized']);
        all.set(resized.data as Uint8Array, done * bytes);
        done += run.length;
      }
      progress.advance(images.length);
    }
  } finally {
    progress.end();
    await preprocessing.dispose();
  }
  return {
    size,
    count: faces.length,
    copy: (index, target, offset) => target.set(all.subarray(index * bytes, (index + 1) * bytes), offset),
  };
}
