// Encodes the faces of a data set with a bundle, with an optional change to each image.
import { float32 } from 'mien-engine/base';
import { type Progress, silentProgress } from 'mien/parts/base';
import { type Encoded, type OpenBundle, partOf } from 'mien/parts/bundle';
import type { ProtocolFace } from 'mien/parts/data';
import type { DecodedImage } from 'mien/parts/encoders';
import { decodeFaces } from '../learn/face-images.js';

/** Images that are decoded, changed and encoded together; bounds the memory. */
const CHUNK = 512;

export async function encodeFaces(
  bundle: OpenBundle,
  faces: readonly ProtocolFace[],
  change: (image: DecodedImage, index: number) => DecodedImage = (image) => image,
  progress: Progress = silentProgress,
): Promise<Encoded> {
  const { width, labels } = partOf(bundle.manifest, 'face');
  const embedding = new Float32Array(faces.length * width);
  const logits = new Float32Array(faces.length * labels.length);
  let published: Float32Array | undefined;
  for (let start = 0; start < faces.length; start += CHUNK) {
    const images = await decodeFaces(faces.slice(start, start + CHUNK).map(({ item }) => item));
    const encoded = await bundle.faces(images.map((image, i) => change(image, start + i)));
    embedding.set(encoded.embedding.data, start * width);
    logits.set(encoded.logits.data, start * labels.length);
    if (encoded.published) {
      published ??= new Float32Array(logits.length);
      published.set(encoded.published.data, start * labels.length);
    }
    progress.advance(images.length);
  }
  return {
    embedding: float32([faces.length, width], embedding),
    logits: float32([faces.length, labels.length], logits),
    ...(published ? { published: float32([faces.length, labels.length], published) } : {}),
  };
}
