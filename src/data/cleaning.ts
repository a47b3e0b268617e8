// Decides which ISEAR texts can be used: answers that describe nothing and texts with several labels are dropped.
import type { DropReason, TextItem } from './types.js';

/** A whole answer that says there is none. Matched on normalised text without its final stop, in lower case. */
const NO_RESPONSE: readonly RegExp[] = [
  /^(no|any) (response|reponse|answer|description|comment|experience)\b.{0,80}$/,
  /^(blank|none|nothing|never|no|n\/a|nil)$/,
  /^(not applicable|does not apply|doesn't apply|not included)( to myself| on (the )?questionnaire)?$/,
  /^.{0,60}, not applicable$|^.{0,60}- n\/a$/,
  /^(i )?(do not|don't|did not|cannot|can not|can't|could not|couldn't)( really)? (know|remember|recall|think of|describe|name)\b(?!.*\b(when|because|but)\b(?! i (last )?fel)).{0,70}$/,
  /^(honestly, |sorry, |never really )?(i )?(have |had |'ve )?(never|not|haven't|hasn't) (really )?(felt|feel|experienced|experience|had|been)\b(?!.*\b(when|because|but|able)\b).{0,60}$/,
  /^(honestly, |sorry, )(i )?(have |was )?never\b.{0,80}$/,
  /^never (felt|experienced|had|really had)\b.{0,90}$/,
  /^haven't (felt|been|had)\b.{0,60}$/,
  /^normally i do not feel \w+$/,
  /^\.*\s*(has|have) not really happened$/,
];

/** A whole answer that only points to the answer given for another emotion. */
const REFERS: readonly RegExp[] = [
  /^((the )?same( as| thing| event| situation| incident)?|as)( (in|for|with|above|described|mentioned|the|under|before|to))*( "?(anger|disgust|fear|guilt|joy|sadness|shame)"?)?( \(\w\))?( question)?$/,
  /^(see|cf\.?|as (in|for|above))( (above|before|under|answer|the|for|to|in|previous))*( "?(anger|disgust|fear|guilt|joy|sadness|shame)"?)?$/,
  /^the previous incident holds good here also$/,
];

/**
 * One line of text: Unicode NFC, single spaces, without the square brackets that enclose some whole answers.
 */
export function normalizeText(text: string): string {
  const line = text.normalize('NFC').replace(/\s+/g, ' ').trim();
  const inner = /^\[([^[\]]*)\]?\.?$/.exec(line)?.[1];
  return (inner ?? line).trim();
}

/** What makes two texts the same: letters and digits in lower case; punctuation and spacing do not count. */
export const textKey = (text: string): string =>
  normalizeText(text)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** Why a text by itself cannot be used, or undefined when it can. */
export function textProblem(text: string): DropReason | undefined {
  if (textKey(text) === '') return 'empty';
  const answer = normalizeText(text)
    .toLowerCase()
    .replace(/[.\s]+$/, '');
  if (NO_RESPONSE.some((pattern) => pattern.test(answer))) return 'no response';
  if (REFERS.some((pattern) => pattern.test(answer))) return 'refers to another answer';
  return undefined;
}

/**
 * For every text the reason to drop it, or undefined: empty, no response, a mere reference to another answer, or a
 * text (by `textKey`) that bears several labels.
 */
export function cleanTexts(texts: readonly Pick<TextItem, 'text' | 'label'>[]): (DropReason | undefined)[] {
  const labels = new Map<string, Set<string>>();
  for (const { text, label } of texts) {
    const key = textKey(text);
    const seen = labels.get(key);
    if (seen === undefined) labels.set(key, new Set([label]));
    else seen.add(label);
  }
  return texts.map(
    ({ text }) => textProblem(text) ?? (labels.get(textKey(text))!.size > 1 ? 'several labels' : undefined),
  );
}
