// What options may be: each is named with what it takes, so that a wrong one is a usage error and not a wrong answer.
import { MienError } from './errors.js';
import { checkNames } from './names.js';
import { repeated } from './quote.js';

/** What an option takes. */
export interface Kind {
  /** For instance “true or false”. */
  readonly expected: string;
  takes(value: unknown): boolean;
}

/** Every option of a type, by name. */
export type Kinds<Options> = Readonly<Record<keyof Options, Kind>>;

export const anything: Kind = { expected: 'anything', takes: () => true };
export const flag: Kind = { expected: 'true or false', takes: (value) => typeof value === 'boolean' };
export const text: Kind = { expected: 'a string', takes: (value) => typeof value === 'string' };
export const list: Kind = { expected: 'a list', takes: (value) => Array.isArray(value) };
export const callback: Kind = { expected: 'a function', takes: (value) => typeof value === 'function' };

/** A number, of some range where one is given. */
export const number = (expected: string, isIn: (value: number) => boolean = Number.isFinite): Kind => ({
  expected,
  takes: (value) => typeof value === 'number' && isIn(value),
});

export const wholeNumber = (least: number, most = Number.MAX_SAFE_INTEGER): Kind =>
  number(
    `a whole number from ${least} ${most === Number.MAX_SAFE_INTEGER ? 'on' : `to ${most}`}`,
    (value) => Number.isInteger(value) && value >= least && value <= most,
  );

export const oneOf = (...values: readonly string[]): Kind => ({
  expected: values.map((value) => `"${value}"`).join(' or '),
  takes: (value) => values.includes(value as string),
});

/** By what it does: one of another realm, such as a frame's, is none of this one's class. */
export const abortSignal: Kind = {
  expected: 'an AbortSignal',
  takes: (value) =>
    typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value,
};

/**
 * Checks options; those that are `undefined` are left to their defaults.
 * @param what the options are of, for errors.
 * @throws MienError `usage` for options that are no object, a name that is not known, or a value that an option does
 *   not take; `place.field` is the option.
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
  checkNames(given, kinds, what);
  for (const [name, { expected, takes }] of Object.entries<Kind>(kinds)) {
    const value: unknown = given[name as keyof Options];
    if (value !== undefined && !takes(value))
      throw new MienError('usage', `${name} cannot be ${repeated(value)}`, {
        field: name,
        hint: `Expected ${expected}.`,
      });
  }
}
