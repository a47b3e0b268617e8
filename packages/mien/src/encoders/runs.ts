// Runs an encoder on items in batches of compatible items; outputs keep the order of the items.
import {
  forEachParallel,
  inBatches,
  indicesBy,
  int32,
  itemsAt,
  MienError,
  sizeOf,
  tensor,
  type Tensor,
  zeros,
} from 'mien-engine/base';
import type { DecodedImage } from './encoder.js';

/** Batch sizes; larger batches are not faster and take more memory. */
export const TEXTS_PER_RUN = 64;
export const IMAGES_PER_RUN = 32;

/** For each output, the shape per item. */
type Shapes = Readonly<Record<string, readonly number[]>>;

export interface Runs<Item, S extends Shapes, Output extends keyof S> {
  /** Only items of the same kind share a batch; by default all do. */
  readonly kindOf?: (item: Item) => string | number;
  /** Maximum batch size. */
  readonly most: number;
  /** Batches that are computed at the same time; 1 by default. */
  readonly parallel?: number;
  readonly shapes: S;
  /** Outputs to return; by default all. */
  readonly outputs?: readonly Output[];
  /** The outputs for a batch, in the order of its items. */
  run(items: readonly Item[]): Promise<Readonly<Record<string, Tensor>>>;
}

/**
 * Outputs for all items, `[n, ...shape]`, in the order of the items. Outputs that are larger than their shape per item (a
 * feature map per view) are truncated, smaller ones (states of a shorter text) are padded with zeros.
 * @throws MienError `format` if the model lacks an output.
 */
export async function encodeInRuns<Item, S extends Shapes, Output extends keyof S & string>(
  items: readonly Item[],
  { kindOf = () => 0, most, parallel = 1, shapes, outputs, run }: Runs<Item, S, Output>,
): Promise<Pick<{ readonly [Name in keyof S]: Tensor<'float32'> }, Output>> {
  const encoded = (outputs ?? Object.keys(shapes)).map(
    (name) => [name, zeros('float32', [items.length, ...shapes[name]!])] as const,
  );
  const batches = [...indicesBy(items, kindOf).values()].flatMap((same) => inBatches(same, most));
  await forEachParallel(batches, parallel, async (group) => {
    const result = await run(itemsAt(items, group));
    for (const [name, { data, shape }] of encoded) {
      const output = result[name];
      if (!output) throw new MienError('format', `the model has no output "${name}"`);
      const rows = output.data as Float32Array;
      const length = rows.length / group.length;
      const size = sizeOf(shape.slice(1));
      group.forEach((item, i) =>
        data.set(rows.subarray(i * length, i * length + Math.min(length, size)), item * size),
      );
    }
  });
  return Object.fromEntries(encoded) as Pick<{ [Name in keyof S]: Tensor<'float32'> }, Output>;
}

/** Token ids of texts of equal length, `[n, tokens]`. */
export function idsOf(texts: readonly Int32Array[]): Tensor<'int32'> {
  const { length } = texts[0]!;
  const ids = new Int32Array(texts.length * length);
  texts.forEach((text, i) => ids.set(text, i * length));
  return int32([texts.length, length], ids);
}

/** The kind of images that can share a tensor: their dimensions. */
export const dimensionsOf = ({ width, height }: DecodedImage): string => `${width}×${height}`;

/** Pixels of images of equal dimensions, `[n, height, width, 3]`. */
export function pixelsOf(images: readonly DecodedImage[]): Tensor<'uint8'> {
  const { width, height } = images[0]!;
  const pixels = new Uint8Array(images.length * height * width * 3);
  images.forEach(({ data }, i) => pixels.set(data, i * height * width * 3));
  return tensor('uint8', [images.length, height, width, 3], pixels);
}
