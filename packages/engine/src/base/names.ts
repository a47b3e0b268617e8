// Finds the known name nearest to a mistyped one, for error messages that help.
import { closest, distance } from 'fastest-levenshtein';
import { MienError } from './errors.js';
import { kindOf } from './quote.js';

/** Levenshtein distance: the fewest insertions, deletions and replacements of letters between two names. */
export { distance };

/** The known name most like `name`, or undefined when none is near enough to be meant. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const best = closest(name.toLowerCase(), known as string[]);
  return distance(name.toLowerCase(), best.toLowerCase()) <= Math.max(2, Math.ceil(best.length / 3))
    ? best
    : undefined;
}

/** A sentence such as `Did you mean "gated"?`, or the list of what is known. */
export function suggestion(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? `Known: ${known.join(', ')}.` : `Did you mean "${nearest}"?`;
}

/** Refuses options that nobody reads. @throws MienError `usage` that names the nearest known one. */
export function checkNames(given: object, known: object, what: string): void {
  if (typeof given !== 'object' || given === null)
    throw new MienError('usage', `the options of ${what} are ${kindOf(given)}, not an object`);
  for (const name of Object.keys(given))
    if (!Object.hasOwn(known, name))
      throw new MienError('usage', `there is no option "${name}" of ${what}`, {
        field: name,
        hint: suggestion(name, Object.keys(known)),
      });
}
