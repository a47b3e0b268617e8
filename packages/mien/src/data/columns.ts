// Columns by name, as people write names: case, spaces and byte order marks do not matter; and what a cell may hold.
import { distance, MienError, suggestion } from 'mien-engine/base';

/** The same for names that are to be taken for one: `Text`, ` text`, `\ufefftext`, `ｔｅｘｔ`. */
export const foldName = (name: string): string =>
  name
    .normalize('NFKC')
    .replace(/[\ufeff\u200b-\u200d\u2060]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase();

/** Two names that fold to one, or undefined; columns without a name do not count. */
export function sameNames(names: readonly string[]): readonly [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const name of names) {
    const folded = foldName(name);
    if (folded === '') continue;
    const before = seen.get(folded);
    if (before !== undefined) return [before, name];
    seen.set(folded, name);
  }
  return undefined;
}

/** @throws MienError `usage` that names the nearest column when this one is not among `names`. */
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
 * The name that may be meant for a column: one letter off, two letters swapped, a plural, or longer by a word, as
 * `image_path`. Undefined where the column is there, or nothing is like it.
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

/** A value that a cell may not hold, as a message calls it. */
export interface WrongCell {
  /** For instance “an object”. */
  readonly wrong: string;
}

const KINDS: Readonly<Record<string, string>> = {
  number: 'a number',
  boolean: 'a boolean',
  object: 'an object',
};

/**
 * What stands in a cell: text as it is, nothing (null too) as undefined. Of JSONL also numbers, as their digits, and
 * for names of things `true` and `false`, where they are taken.
 */
export function cellText(
  value: unknown,
  taken: readonly ('number' | 'boolean')[] = ['number'],
): string | undefined | WrongCell {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (taken.some((kind) => typeof value === kind)) return String(value);
  return { wrong: Array.isArray(value) ? 'a list' : (KINDS[typeof value] ?? typeof value) };
}

/** A cell that names something: a label, a group, a split, a row. */
export const cellName = (value: unknown): string | undefined | WrongCell =>
  cellText(value, ['number', 'boolean']);

export const isWrong = (cell: string | undefined | WrongCell): cell is WrongCell => typeof cell === 'object';
