// Gives every ISEAR text its split, or the reason why it has none.
import { randomStream } from 'mien-engine/base';
import {
  type Assignment,
  cleanTexts,
  normalizeText,
  type ProtocolSettings,
  type ProtocolText,
  type Split,
  type TextItem,
  textKey,
} from 'mien/parts';
import { chooseGroups, groupsOf } from './splits.js';
import { findTextRepeats } from './text-duplicates.js';

/**
 * Assigns texts. `clean`: unusable texts are dropped (`cleanTexts`); the others are split by label and by subject (by
 * duplicate text where no subject is named); a text of training that is repeated in validation or test, or one of
 * validation that is repeated in test, is dropped. `paper`: every text is used, split by label alone.
 */
export function assignTexts(items: readonly TextItem[], settings: ProtocolSettings): ProtocolText[] {
  const clean = settings.split === 'clean';
  const problems = clean ? cleanTexts(items) : items.map(() => undefined);
  const groups = clean
    ? groupsOf(
        items.map(({ subject, text }) =>
          subject === undefined ? `text ${textKey(text)}` : `subject ${subject}`,
        ),
      )
    : Int32Array.from(items, (_, index) => index);
  const kept = items.flatMap((item, index) =>
    problems[index] === undefined ? [{ index, label: item.label, group: groups[index]! }] : [],
  );
  const splits = new Map<number, Split>();
  const inTest = chooseGroups(kept, settings.testFraction, randomStream(settings.seed, 'split/isear/test'));
  const training = kept.filter((_, i) => !inTest[i]);
  const inValidation = chooseGroups(
    training,
    settings.validationFraction,
    randomStream(settings.seed, 'split/isear/validation'),
  );
  kept.forEach(({ index }, i) => splits.set(index, inTest[i] ? 'test' : 'train'));
  training.forEach(({ index }, i) => splits.set(index, inValidation[i] ? 'validation' : 'train'));
  const repeated = clean
    ? repeatedAcross(
        kept.map(({ index }) => ({ index, text: items[index]!.text })),
        splits,
      )
    : new Set<number>();

  const place = (index: number): Assignment => {
    const problem = problems[index];
    if (problem !== undefined) return { split: 'dropped', reason: problem };
    if (repeated.has(index)) return { split: 'dropped', reason: 'repeated in another split' };
    return { split: splits.get(index)! };
  };
  return items.map((item, index) => ({
    item,
    label: item.label,
    text: normalizeText(item.text),
    group: groups[index]!,
    ...place(index),
  }));
}

/** Texts that stand, exactly or nearly, in a split that comes before theirs: test, then validation, then training. */
function repeatedAcross(
  texts: readonly { readonly index: number; readonly text: string }[],
  splits: ReadonlyMap<number, Split>,
): Set<number> {
  const rank = { test: 0, validation: 1, train: 2 } as const;
  const repeats = findTextRepeats(texts.map(({ text }) => text));
  const rankOf = (position: number): number => rank[splits.get(texts[position]!.index)!];
  return new Set(
    texts.flatMap(({ index }, position) =>
      repeats[position]!.some((other) => rankOf(other) < rankOf(position)) ? [index] : [],
    ),
  );
}
