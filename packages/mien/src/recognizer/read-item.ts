// Reads an item's properties once. Invalid ones become the item's error, so that nothing in it can throw later and fail
// other items with it.
import { describeType, messageOf, nearestName, quoted, repeated, suggestion } from 'mien-engine/base';
import { modalities } from '../modalities/list.js';
import type { Modalities } from '../modalities/modality.js';
import type { Failure, Item } from './types.js';

/** The inputs of an item that are there. */
export interface ReadItem {
  readonly text?: string;
  /** Unchecked: decoding determines its kind. */
  readonly image?: unknown;
  /** Unchecked: decoding determines its kind. */
  readonly audio?: unknown;
  /** Why the item cannot be recognised. */
  readonly error?: Failure['error'];
}

/** An item that was read, with the caller's `id`. */
export interface IdentifiedItem extends ReadItem {
  readonly id?: Item['id'];
}

const invalid = (message: string): Pick<ReadItem, 'error'> => ({ error: { code: 'invalid-item', message } });

/** Never throws. */
export function readItem(value: unknown, all: Modalities = modalities): IdentifiedItem {
  const keys = Object.values(all).map(({ input }) => input);
  let id: Item['id'];
  try {
    if (typeof value !== 'object' || value === null || Symbol.iterator in value || isPromise(value))
      return invalid(`the item is ${describeType(value)}, not an object { ${keys.join(', ')} }`);
    const item = value as Readonly<Record<string, unknown>>;
    id = item.id as Item['id'];
    return { id, ...partsOf(item, all, keys) };
  } catch (cause) {
    return { id, ...invalid(`the item cannot be read (${quoted(messageOf(cause))})`) };
  }
}

const isPromise = (value: object): boolean => typeof (value as { then?: unknown }).then === 'function';

function partsOf(
  item: Readonly<Record<string, unknown>>,
  all: Modalities,
  keys: readonly string[],
): ReadItem {
  const found: Record<string, unknown> = {};
  for (const { input, isAbsent, problemOf } of Object.values(all)) {
    const value = item[input];
    const problem = value === undefined || value === null ? undefined : problemOf?.(value);
    if (problem !== undefined) return invalid(problem);
    if (!isAbsent(value)) found[input] = value;
  }
  if (keys.every((key) => !(key in item))) {
    // An item without any property has no input; one with a misspelt property is invalid.
    const misspelt = Object.keys(item).find((key) => nearestName(key, keys) !== undefined);
    if (misspelt !== undefined)
      return invalid(
        `there is neither ${keys.join(' nor ')}, but ${repeated(misspelt)}. ${suggestion(misspelt, keys)}`,
      );
  }
  return found;
}
