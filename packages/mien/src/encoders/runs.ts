// Items through an encoder's session: those that can share a run do, and each finds its rows at its own place.
import { indicesBy, inBatches, int32, sizeOf, tensor, type Tensor, zeros } from 'mien-engine/base';
import type { DecodedImage } from './encoder.js';

/** Items of one run; more at a time is not faster and takes more memory. */
export const TEXTS_PER_RUN = 64;
export const IMAGES_PER_RUN = 32;

/** By name, the shape of what an item has in an output. */
type Shapes = Readonly<Record<string, readonly number[]>>;

export interface Runs<Item, S extends Shapes, Output extends keyof S> {
  /** Only items of one kind share a run; by default all do. */
  readonly kindOf?: (item: Item) => string | number;
  /** Items of one run, at most. */
  readonly most: number;
  readonly shapes: S;
  /** Which outputs are wanted; by default all. */
  readonly outputs?: readonly Output[];
  /** The outputs for items of one kind, in their order. */
  run(items: readonly Item[]): Promise<Readonly<Record<string, Tensor>>>;
}

/**
 * Outputs for all items, `[n, ...shape]`, in their order. Of what an item has more of than its shape says (a map of each
 * view) the first is kept, and what has less (states of a shorter text) is followed by zeros.
 */
export async function encodeInRuns<Item, S extends Shapes, Output extends keyof S & string>(
  items: readonly Item[],
  { kindOf = () => 0, most, shapes, outputs, run }: Runs<Item, S, Output>,
): Promise<Pick<{ readonly [Name in keyof S]: Tensor<'float32'> }, Output>> {
  const encoded = (outputs ?? Object.keys(shapes)).map(
    (name) => [name, zeros('float32', [items.length, ...shapes[name]!])] as const,
  );
  for (const group of [...indicesBy(items, kindOf).values()].flatMap((same) => inBatches(same, most))) {
    const result = await run(group.map((i) => items[i]!));
    for (const [name, { data, shape }] of encoded) {
      const rows = result[name]!.data as Float32Array;
      const own = rows.length / group.length;
      const size = sizeOf(shape.slice(1));
      group.forEach((item, i) =>
        data.set(rows.subarray(i * own, i * own + Math.min(own, size)), item * size),
      );
    }
  }
  return Object.fromEntries(encoded) as Pick<{ [Name in keyof S]: Tensor<'float32'> }, Output>;
}

/** Tokenised texts of one length, `[n, tokens]`. */
export function idsOf(texts: readonly Int32Array[]): Tensor<'int32'> {
  const { length } = texts[0]!;
  const ids = new Int32Array(texts.length * length);
  texts.forEach((text, i) => ids.set(text, i * length));
  return int32([texts.length, length], ids);
}

/** What images have in common that can share a tensor. */
export const dimensionsOf = ({ width, height }: DecodedImage): string => `${width}×${height}`;

/** Images of one size, `[n, height, width, 3]`. */
export function pixelsOf(images: readonly DecodedImage[]): Tensor<'uint8'> {
  const { width, height } = images[0]!;
  const pixels = new Uint8Array(images.length * height * width * 3);
  images.forEach(({ data }, i) => pixels.set(data, i * height * width * 3));
  return tensor('uint8', [images.length, height, width, 3], pixels);
}
