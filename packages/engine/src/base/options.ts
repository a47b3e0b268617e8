// Checks options against tables of accepted names and values, so that a wrong one is a usage error instead of a wrong
// answer.
import { closest, distance } from 'fastest-levenshtein';
import { defined } from './collections.js';
import { MienError, repeated } from './errors.js';

/** The values an option accepts. */
export interface Kind {
  /** As in error messages, for instance “true or false”. */
  readonly expected: string;
  takes(value: unknown): boolean;
}

/** The kind of every option of a type. */
export type Kinds<Options> = Readonly<Record<keyof Options, Kind>>;

export const anything: Kind = { expected: 'anything', takes: () => true };
export const flag: Kind = { expected: 'true or false', takes: (value) => typeof value === 'boolean' };
export const text: Kind = { expected: 'a string', takes: (value) => typeof value === 'string' };
export const list: Kind = { expected: 'a list', takes: (value) => Array.isArray(value) };
export const callback: Kind = { expected: 'a function', takes: (value) => typeof value === 'function' };

/** A number, optionally within a range. */
export const number = (expected: string, isIn: (value: number) => boolean = Number.isFinite): Kind => ({
  expected,
  takes: (value) => typeof value === 'number' && isIn(value),
});

export const wholeNumber = (least: number, most = Number.MAX_SAFE_INTEGER): Kind =>
  number(
    most === Number.MAX_SAFE_INTEGER
      ? `a whole number of at least ${least}`
      : `a whole number from ${least} to ${most}`,
    (value) => Number.isInteger(value) && value >= least && value <= most,
  );

export const oneOf = (...values: readonly string[]): Kind => ({
  expected: values.map((value) => `"${value}"`).join(' or '),
  takes: (value) => values.includes(value as string),
});

/** Checked by its members: one from another realm, such as an iframe, is not an `instanceof` this realm's class. */
export const abortSignal: Kind = {
  expected: 'an AbortSignal',
  takes: (value) =>
    typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value,
};

/**
 * Checks that options have known names only.
 * @param what the name of what takes the options, for errors.
 * @throws MienError `usage` for an unknown name, with the most similar known one as its hint; `place.field` is the name.
 */
export function checkNames(given: object, known: readonly string[], what: string): void {
  for (const name of Object.keys(given))
    if (!known.includes(name))
      throw new MienError('usage', `unknown option "${name}" of ${what}`, {
        field: name,
        hint: suggestion(name, known),
      });
}

/**
 * `defaults` overridden by `options`; `undefined` keeps the default.
 * @param what the name of what takes the options, for errors.
 * @throws MienError `usage` for an unknown name.
 */
export function withDefaults<T extends object>(options: Partial<T>, defaults: T, what: string): T {
  checkNames(options, Object.keys(defaults), what);
  return { ...defaults, ...defined(options) } as T;
}

/**
 * Checks names and values of options; `undefined` stands for the default.
 * @param what the name of what takes the options, for errors.
 * @throws MienError `usage` if the options are not an object, for an unknown name, or for a value that an option does
 *   not accept; `place.field` is the option.
 */
export function checkOptions<Options extends object>(
  given: Options,
  kinds: Kinds<Options>,
  what: string,
): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new MienError('usage', `the options of ${what} cannot be ${repeated(given)}`, {
      hint: `Expected an object: { ${Object.keys(kinds).slice(0, 2).join(', ')}, … }`,
    });
  checkNames(given, Object.keys(kinds), what);
  for (const [name, { expected, takes }] of Object.entries<Kind>(kinds)) {
    const value: unknown = given[name as keyof Options];
    if (value !== undefined && !takes(value))
      throw new MienError('usage', `${name} cannot be ${repeated(value)}`, {
        field: name,
        hint: `Expected ${expected}.`,
      });
  }
}

/** Levenshtein distance: the least number of insertions, deletions and substitutions between two names. */
export { distance };

/** The known name most similar to `name`; undefined if none is similar enough to be a plausible typo. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const best = closest(name.toLowerCase(), known as string[]);
  return distance(name.toLowerCase(), best.toLowerCase()) <= Math.max(2, Math.ceil(best.length / 3))
    ? best
    : undefined;
}

/** A sentence such as `Did you mean "gated"?`, or the list of known names. */
export function suggestion(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? `Known: ${known.join(', ')}.` : `Did you mean "${nearest}"?`;
}
