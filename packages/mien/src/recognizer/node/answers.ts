// Results of items from files, in order and with their items; the result of an invalid row is its error.
import type { RecognizeOptions, Recognizer, Result } from '../types.js';
import type { NamedItem } from './items.js';

export interface Answered<T extends NamedItem> {
  readonly item: T;
  readonly result: Result;
  /** Whether all items read so far have a result. */
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
      // An empty item costs nothing and keeps the order.
      yield item.invalid ? {} : { text: item.text, image: item.image, audio: item.audio };
    }
  }
  for await (const result of recognizer.stream(given(), options)) {
    const item = waiting.shift()!;
    const ofRow: Result = item.invalid ? { error: item.invalid, warnings: [] } : result;
    yield { item, result: ofRow, last: waiting.length === 0 };
  }
}
