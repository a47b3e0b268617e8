// Reads option values that commands share.
import { InvalidArgumentError } from 'commander';

/** @throws InvalidArgumentError, which names the option, when the text is not a whole number above zero. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('A whole number above zero is expected.');
  return value;
}

/** @throws InvalidArgumentError, which names the option, when the text is not a number. */
export function decimal(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('A number is expected.');
  return value;
}

/** Gathers the values of an option that may be given several times. */
export const collect = (value: string, before: readonly string[]): string[] => [...before, value];
