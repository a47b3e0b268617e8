// Drops undefined fields of an object.

/**
 * The fields whose value is not undefined. `{ size: undefined }` and `{}` are not the same under
 * `exactOptionalPropertyTypes`, in spreads over defaults and where keys are listed: `...defined({ size })` gives the latter.
 */
export function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
