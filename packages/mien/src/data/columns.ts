// Column names, compared without regard to case, spaces and byte order marks, and the values of cells.
import { distance, MienError, suggestion } from 'mien-engine/base';

/** The same string for names that count as equal: `Text`, ` text`, `\ufefftext`, `ｔｅｘｔ`. */
export const foldName = (name: string): string =>
  name
    .normalize('NFKC')
    .replace(/[\ufeff\u200b-\u200d\u2060]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase();

/** Two names that fold to the same, or undefined; columns without a name are ignored. */
export function sameNames(names: readonly string[]): readonly [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const name of names) {
    const folded = foldName(name);
    if (folded === '') continue;
    const earlier = seen.get(folded);
    if (earlier !== undefined) return [earlier, name];
    seen.set(folded, name);
  }
  return undefined;
}

/** @throws MienError `usage` that names the nearest column when `column` is not among `names`. */
export function checkColumn(file: string, names: readonly string[], column: string): void {
  const folded = foldName(column);
  if (names.some((name) => foldName(name) === folded)) return;
  throw new MienError('usage', `there is no column "${column}"`, {
    file,
    hint: suggestion(
      column,
      names.map((name) => name.trim()).filter((name) => name !== ''),
    ),
  });
}

/**
 * A name probably meant for a column: one letter off, two letters swapped, a plural, or with a further word, such as
 * `image_path`. Undefined when the column exists, or no name resembles it.
 */
export function lookalike(names: readonly string[], column: string): string | undefined {
  const wanted = foldName(column);
  if (names.some((name) => foldName(name) === wanted)) return undefined;
  const letters = (text: string): string => [...text].sort().join('');
  return names.find((name) => {
    const folded = foldName(name);
    const swapped = distance(folded, wanted) === 2 && letters(folded) === letters(wanted);
    const words = folded.split(/[^\p{L}\p{N}]+/u);
    return (
      distance(folded, wanted) === 1 || swapped || words.some((word) => word.replace(/s$/, '') === wanted)
    );
  });
}

/** A value that a cell may not hold. */
export interface WrongCell {
  /** Its kind for a message, for instance “an object”. */
  readonly wrong: string;
}

const KINDS: Readonly<Record<string, string>> = {
  number: 'a number',
  boolean: 'a boolean',
  object: 'an object',
};

/**
 * A cell's text; undefined where it is missing or null. In JSONL also values of the `accepted` types, as JSON writes
 * them.
 */
export function cellText(
  value: unknown,
  accepted: readonly ('number' | 'boolean')[] = ['number'],
): string | undefined | WrongCell {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (accepted.some((type) => typeof value === type)) return String(value);
  return { wrong: Array.isArray(value) ? 'a list' : (KINDS[typeof value] ?? typeof value) };
}

/** The text of a cell that names something, such as a label, a group, a split or a row. */
export const cellName = (value: unknown): string | undefined | WrongCell =>
  cellText(value, ['number', 'boolean']);

export const isWrong = (cell: string | undefined | WrongCell): cell is WrongCell => typeof cell === 'object';
