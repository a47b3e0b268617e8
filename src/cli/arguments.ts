// Reads option values that commands share.
import { MienError } from '../base/errors.js';

/** @throws MienError `usage` when the text is not a whole number above zero. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new MienError('usage', `"${text}" is not a whole number above zero`);
  return value;
}

/** @throws MienError `usage` when the text is not a number. */
export function decimal(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw new MienError('usage', `"${text}" is not a number`);
  return value;
}

/** Pixels from megapixels. @throws MienError `usage` when the text is not a number above zero. */
export function megapixels(text: string): number {
  const value = decimal(text);
  if (!(value > 0)) throw new MienError('usage', `${text} is not a number of megapixels above zero`);
  return Math.round(value * 1e6);
}

/** Gathers the values of an option that may be given several times. */
export const collect = (value: string, before: readonly string[]): string[] => [...before, value];
