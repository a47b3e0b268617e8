// An item as somebody gave it, read once. What it holds that is neither a text nor an image becomes its own error, so
// that nothing in it can throw later and take other items along.
import { kindOf, messageOf, nearestName, quoted, repeated, suggestion } from 'mien-engine/base';
import { isAbsent } from './absent.js';
import type { Failure, Item } from './types.js';

/** What is recognised of an item. */
export interface ReadItem {
  readonly text?: string;
  /** Whatever was given: decoding tells what it is. */
  readonly image?: unknown;
  /** Why it cannot be recognised. */
  readonly error?: Failure['error'];
}

/** An item that was read, with what its caller calls it. */
export interface NamedItem extends ReadItem {
  readonly id?: Item['id'];
}

const KEYS = ['text', 'image'] as const;

const invalid = (message: string): Pick<ReadItem, 'error'> => ({ error: { code: 'invalid-item', message } });

/** Never throws. */
export function readItem(given: unknown): NamedItem {
  let id: Item['id'];
  try {
    if (typeof given !== 'object' || given === null || Symbol.iterator in given || isPromise(given))
      return invalid(`the item is ${kindOf(given)}, not an object { text, image }`);
    const item = given as Readonly<Record<keyof Item, unknown>>;
    id = item.id as Item['id'];
    return { id, ...partsOf(item) };
  } catch (cause) {
    return { id, ...invalid(`the item cannot be read (${quoted(messageOf(cause))})`) };
  }
}

const isPromise = (given: object): boolean => typeof (given as { then?: unknown }).then === 'function';

function partsOf(item: Readonly<Record<keyof Item, unknown>>): ReadItem {
  const { text, image } = item;
  if (text !== undefined && text !== null && typeof text !== 'string')
    return invalid(`the text is ${kindOf(text)}, not a string`);
  if (KEYS.every((key) => !(key in item))) {
    // Nothing at all is an item without input; a slip of the pen is not.
    const slip = Object.keys(item).find((key) => nearestName(key, KEYS) !== undefined);
    if (slip !== undefined)
      return invalid(`there is neither text nor image, but ${repeated(slip)}. ${suggestion(slip, KEYS)}`);
  }
  return {
    ...(text === undefined || text === null ? {} : { text }),
    ...(isAbsent(image) ? {} : { image }),
  };
}
