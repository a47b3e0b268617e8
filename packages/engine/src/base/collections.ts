// Small operations on objects and lists.

/**
 * The fields whose value is not undefined. Under `exactOptionalPropertyTypes`, in spreads over defaults and where keys
 * are listed, `{ size: undefined }` differs from `{}`: `...defined({ size })` gives the latter.
 */
export function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** `items` in batches of at most `size`. */
export const inBatches = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));

/**
 * Calls `work` for all items in their order, at most `parallel` at a time. After a failure no further call begins, and the
 * first failure is thrown once those in progress have ended.
 */
export async function forEachParallel<T>(
  items: Iterable<T>,
  parallel: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const remaining = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let next = remaining.next(); !next.done && failures.length === 0; next = remaining.next())
      await work(next.value).catch((error: unknown) => void failures.push(error));
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  if (failures.length > 0) throw failures[0];
}

/** The items at these places. @throws RangeError if there is none at one of them */
export const itemsAt = <T>(items: ArrayLike<T>, places: Iterable<number>): T[] =>
  Array.from(places, (place) => {
    if (!(place in items)) throw new RangeError(`place ${place} of ${items.length} items`);
    return items[place] as T;
  });

/** Indices of items grouped by a key; keys in order of first occurrence. */
export function indicesBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, number[]> {
  const groups = new Map<K, number[]>();
  items.forEach((item, i) => {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(i);
    else groups.set(key, [i]);
  });
  return groups;
}

/**
 * The same function of an object with its results kept as long as the object is: each is computed once. The object must not
 * be changed afterwards.
 */
export function memoized<Key extends object, T>(of: (key: Key) => T): (key: Key) => T {
  const known = new WeakMap<Key, { readonly result: T }>();
  return (key) => {
    const found = known.get(key) ?? { result: of(key) };
    known.set(key, found);
    return found.result;
  };
}
