// Decides which ISEAR texts can be used: answers that describe nothing and texts with several labels are dropped.
import type { DropReason, TextItem } from './types.js';

/**
 * Whole answers that say there is none; matched on normalised text in lower case without the final stop. Answers of
 * more than a dozen words are left alone unless they stand in `NO_RESPONSE_TEXTS`: they may go on to tell something.
 */
const NO_RESPONSE: readonly RegExp[] = [
  /^no (response|reponse|description|answer)$/,
  /^(blank|none|nothing|never|n\/a)$/,
  /(^|, )(not applicable|does not apply|doesn't apply)( to myself)?$| - n\/a$/,
  /^(i )?(do not|don't|cannot|can not|can't) (know|remember|recall|think of|describe)\b/,
  /^(i )?((have )?(never|not)|haven't) (felt|been|experienced)\b/,
  /^(honestly|sorry), i (have|was) never\b/,
  /^normally i do not feel\b/,
];
const NO_RESPONSE_WORDS = 13;

/** Longer or odd answers of ISEAR that tell nothing, by `textKey`. */
const NO_RESPONSE_TEXTS: ReadonlySet<string> = new Set([
  'not included on questionnaire',
  'has not really happened',
  'the same for guilt would apply',
  'i do not remember when i last felf ashamed i do not usually feel ashamed of what i do',
  'i was not i am not i will never ever feel ashamed of myself for something i have done',
  'i can positively say that i have never done anything that made me feel guilty',
  'never felt guilty as i have never done anything which could make me feel guilty',
  'this is difficult since i don t remember feeling disgust towards anyone',
  'i have felt shame but am unable to remember any particular incident',
  'no answer as i see very little difference between shame and guilt therefore see answer for shame',
  'i cannot recall feeling guilty in the near past remark subject may not have taken the exercise very seriously',
]);

const EMOTION = '"?(anger|disgust|fear|guilt|joy|sadness|shame)"?';

/** Whole answers that only point to the answer given for another emotion. */
const REFERS: readonly RegExp[] = [
  new RegExp(`^(the )?same( event described)? (as( in| for)?|under) ${EMOTION}$`),
  new RegExp(`^(as|see)( in| for)? ${EMOTION}$`),
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
  const short = answer.split(' ').length <= NO_RESPONSE_WORDS;
  if ((short && NO_RESPONSE.some((pattern) => pattern.test(answer))) || NO_RESPONSE_TEXTS.has(textKey(text)))
    return 'no response';
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
