// Parses option values that several commands take.
import { InvalidArgumentError } from 'commander';
import { MienError } from 'mien-engine/base';

/** @throws InvalidArgumentError, which names the option, when the text is not a whole number above zero. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('Expected a whole number above zero.');
  return value;
}

/** @throws InvalidArgumentError, which names the option, when the text is not a whole number of at least zero. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('Expected a whole number, at least 0.');
  return value;
}

/** @throws InvalidArgumentError, which names the option, when the text is not a number. */
export function decimal(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

/**
 * A label prior: `training`, `even`, or weights such as `neutral=3,joy=2`.
 * @throws MienError `usage` when it is none of these.
 */
export function parsePrior(text: string): 'training' | 'even' | Record<string, number> {
  if (text === 'training' || text === 'even') return text;
  const weights: Record<string, number> = {};
  for (const part of text.split(',')) {
    const [label, value, ...rest] = part.split('=').map((side) => side.trim());
    if (!label || value === undefined || rest.length > 0 || label in weights)
      throw new MienError('usage', `"${part}" is not the weight of a label`, {
        field: 'prior',
        hint: 'Use training, even, or weights: --prior neutral=3,joy=2',
      });
    weights[label] = decimal(value);
  }
  return weights;
}

/** Pixels from megapixels. @throws MienError `usage` when the text is not a number above zero. */
export function megapixels(text: string): number {
  const value = decimal(text);
  if (!(value > 0)) throw new MienError('usage', `${text} is not a number of megapixels above zero`);
  return Math.round(value * 1e6);
}

/** Collects the values of a repeatable option. */
export const collect = (value: string, before: readonly string[]): string[] => [...before, value];
