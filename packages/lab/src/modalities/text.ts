// Texts made worse: words are lost, or replaced by those of other texts.
import { MienError, type RandomStream } from 'mien-engine/base';
import type { Corruption, ModalityCorruptions } from './corruption.js';

/** What stands between blanks. */
export const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

type TextCorruption = 'words dropped' | 'words replaced';

/** Each word has a draw of its own; one word always remains. */
function dropped(text: string, level: number, draw: RandomStream): string {
  const { words, draws } = drawn(text, draw);
  const kept = draws.indexOf(Math.max(...draws));
  return words.filter((_, i) => i === kept || draws[i]! >= level).join(' ');
}

function replaced(text: string, level: number, draw: RandomStream, others: readonly string[]): string {
  if (others.length === 0)
    throw new MienError('usage', 'words can be replaced only by others', { field: 'others' });
  const { words, draws } = drawn(text, draw);
  const replacements = words.map(() => others[draw.integer(others.length)]!);
  return words.map((word, i) => (draws[i]! >= level ? word : replacements[i]!)).join(' ');
}

function drawn(text: string, draw: RandomStream) {
  const words = wordsOf(text);
  return { words, draws: words.map(() => draw.uniform()) };
}

const common: Pick<Corruption<string, readonly string[]>, 'worst' | 'levels'> = {
  worst: 0.95,
  levels: [0.25, 0.5, 0.75, 1],
};

export const text: ModalityCorruptions<string, readonly string[], TextCorruption> = {
  kinds: {
    'words dropped': { ...common, unit: 'share of the words (one remains)', apply: dropped },
    'words replaced': { ...common, unit: 'share of the words', apply: replaced },
  },
  othersOf: (texts) => texts.flatMap(wordsOf),
  note: 'share of the words that are dropped (one always remains) or replaced by words of other texts',
};
