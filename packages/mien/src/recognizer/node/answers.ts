// Results beside the items that they are of, in order; a row that holds no item gets its own error for a result.
import type { RecognizeOptions, Recognizer, Result } from '../types.js';
import type { NamedItem } from './items.js';

export interface Answered<T extends NamedItem> {
  readonly item: T;
  readonly result: Result;
  /** Whether none of the items that were read is still to be answered. */
  readonly last: boolean;
}

/** @throws MienError as `Recognizer.stream`, and what `items` throws. */
export async function* answersOf<T extends NamedItem>(
  recognizer: Recognizer,
  items: AsyncIterable<T> | Iterable<T>,
  options: RecognizeOptions & { readonly batchSize: number },
): AsyncGenerator<Answered<T>, void, undefined> {
  const waiting: T[] = [];
  async function* given() {
    for await (const item of items) {
      waiting.push(item);
      // An item with nothing in it costs nothing and keeps its place.
      yield item.invalid ? {} : { text: item.text, image: item.image };
    }
  }
  for await (const result of recognizer.stream(given(), options)) {
    const item = waiting.shift()!;
    const own: Result = item.invalid ? { error: item.invalid, warnings: [] } : result;
    yield { item, result: own, last: waiting.length === 0 };
  }
}
