// Reads an item's properties once. Invalid ones become the item's error, so that nothing in it can throw later and fail
// other items with it.
import {
  defined,
  describeType,
  messageOf,
  nearestName,
  quoted,
  repeated,
  suggestion,
} from 'mien-engine/base';
import { isAbsent } from './absent.js';
import type { Failure, Item } from './types.js';

/** The text and image of an item. */
export interface ReadItem {
  readonly text?: string;
  /** Unchecked: decoding determines its kind. */
  readonly image?: unknown;
  /** Why the item cannot be recognised. */
  readonly error?: Failure['error'];
}

/** An item that was read, with the caller's `id`. */
export interface IdentifiedItem extends ReadItem {
  readonly id?: Item['id'];
}

const KEYS = ['text', 'image'] as const;

const invalid = (message: string): Pick<ReadItem, 'error'> => ({ error: { code: 'invalid-item', message } });

/** Never throws. */
export function readItem(value: unknown): IdentifiedItem {
  let id: Item['id'];
  try {
    if (typeof value !== 'object' || value === null || Symbol.iterator in value || isPromise(value))
      return invalid(`the item is ${describeType(value)}, not an object { text, image }`);
    const item = value as Readonly<Record<keyof Item, unknown>>;
    id = item.id as Item['id'];
    return { id, ...partsOf(item) };
  } catch (cause) {
    return { id, ...invalid(`the item cannot be read (${quoted(messageOf(cause))})`) };
  }
}

const isPromise = (value: object): boolean => typeof (value as { then?: unknown }).then === 'function';

function partsOf(item: Readonly<Record<keyof Item, unknown>>): ReadItem {
  const { text, image } = item;
  if (text !== undefined && text !== null && typeof text !== 'string')
    return invalid(`the text is ${describeType(text)}, not a string`);
  if (KEYS.every((key) => !(key in item))) {
    // An item without any property has no input; one with a misspelt property is invalid.
    const misspelt = Object.keys(item).find((key) => nearestName(key, KEYS) !== undefined);
    if (misspelt !== undefined)
      return invalid(
        `there is neither text nor image, but ${repeated(misspelt)}. ${suggestion(misspelt, KEYS)}`,
      );
  }
  return defined({ text: text ?? undefined, image: isAbsent(image) ? undefined : image });
}
