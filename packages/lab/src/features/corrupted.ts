// Test items made worse by degrees and embedded beside the clean ones, so that experiments can see whom a fusion then
// believes. How items are made worse is passed in.
import { z } from 'zod';
import { checkData } from 'mien/parts/base';
import { float32, type Tensor } from 'mien-engine/base';

/** A way to make items worse, and how far. */
export interface Degree {
  readonly as: string;
  /** A share, as the corruption defines it. */
  readonly level: number;
}

/** Makes items worse. */
export interface Corrupter<Item> {
  readonly degrees: readonly Degree[];
  /** The item made worse; the same for the same degree and id. */
  readonly change: (item: Item, degree: Degree, id: string) => Item;
}

/** The test items of a set, made worse to one degree. */
export interface CorruptedItems extends Degree {
  /** `[test items, width]`, in the set's order. */
  readonly embeddings: Tensor<'float32'>;
}

/** `telephone 1/ravdess/03-01-…`: an item of the store that holds a set's items at all degrees. */
export const corruptedId = ({ as, level }: Degree, id: string): string => `${as} ${level}/${id}`;

/** Degrees as part of an encoder's preprocessing. */
export const describeDegrees = (degrees: readonly Degree[]): string =>
  JSON.stringify(degrees.map(({ as, level }) => ({ as, level })));

export const degreesSchema = z.array(z.strictObject({ as: z.string(), level: z.number().min(0).max(1) }));

/** @throws MienError `format` if the text is not one by `describeDegrees` */
export function readDegrees(text: string, file: string): readonly Degree[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  return checkData(degreesSchema, value, {
    file,
    fault: 'does not state how its items were made worse',
    hint: 'Run `mien extract --corrupted` again.',
  });
}

/** The rows of all degrees `[degrees × test items, width]`, one degree after the other. */
export function splitDegrees(
  { shape, data }: Tensor<'float32'>,
  degrees: readonly Degree[],
): CorruptedItems[] {
  const [rows = 0, width = 0] = shape;
  const n = rows / degrees.length;
  return degrees.map((degree, i) => ({
    ...degree,
    embeddings: float32([n, width], data.slice(i * n * width, (i + 1) * n * width)),
  }));
}
