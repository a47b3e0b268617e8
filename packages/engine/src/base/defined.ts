// Optional fields of an object, without those that are undefined.

/**
 * The fields whose value is not undefined. An optional field that is left out and one that is undefined differ, under
 * `exactOptionalPropertyTypes`, in spreads over defaults and where keys are listed; `...defined({ size })` leaves it out.
 */
export function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
