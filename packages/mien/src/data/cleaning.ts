// Decides which ISEAR texts are usable: answers that describe nothing and texts with several labels are dropped.
import type { DropReason, TextItem } from './types.js';

/**
 * Answers that decline to answer; matched on the whole normalised text in lower case without the final full stop. Answers
 * of more than a dozen words are kept unless listed in `NO_RESPONSE_TEXTS`: they may describe something after all.
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
const MAX_NO_RESPONSE_WORDS = 13;

/** Longer or unusual answers of ISEAR that describe nothing, by `textKey`. */
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

/** Answers that only refer to the one given for another emotion. */
const REFERENCES: readonly RegExp[] = [
  new RegExp(`^(the )?same( event described)? (as( in| for)?|under) ${EMOTION}$`),
  new RegExp(`^(as|see)( in| for)? ${EMOTION}$`),
  /^the previous incident holds good here also$/,
];

/**
 * One line of text: Unicode NFC, single spaces, without the square brackets around some answers.
 */
export function normalizeText(text: string): string {
  const line = text.normalize('NFC').replace(/\s+/g, ' ').trim();
  const inner = /^\[([^[\]]*)\]?\.?$/.exec(line)?.[1];
  return (inner ?? line).trim();
}

/** Texts with the same key count as duplicates: their letters and digits in lower case, without punctuation. */
export const textKey = (text: string): string =>
  normalizeText(text)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** Why a text by itself is unusable, or undefined when it is usable. */
export function textProblem(text: string): DropReason | undefined {
  if (textKey(text) === '') return 'empty';
  const answer = normalizeText(text)
    .toLowerCase()
    .replace(/[.\s]+$/, '');
  const isShort = answer.split(' ').length <= MAX_NO_RESPONSE_WORDS;
  if (
    (isShort && NO_RESPONSE.some((pattern) => pattern.test(answer))) ||
    NO_RESPONSE_TEXTS.has(textKey(text))
  )
    return 'no response';
  if (REFERENCES.some((pattern) => pattern.test(answer))) return 'refers to another answer';
  return undefined;
}

/**
 * For each text the reason to drop it, or undefined: empty, no response, a mere reference to another answer, or a text
 * (by `textKey`) with several labels.
 */
export function cleanTexts(texts: readonly Pick<TextItem, 'text' | 'label'>[]): (DropReason | undefined)[] {
  const labels = new Map<string, Set<string>>();
  for (const { text, label } of texts) {
    const key = textKey(text);
    const labelsOfKey = labels.get(key);
    if (labelsOfKey) labelsOfKey.add(label);
    else labels.set(key, new Set([label]));
  }
  const isAmbiguous = (text: string): boolean => (labels.get(textKey(text))?.size ?? 0) > 1;
  return texts.map(({ text }) => textProblem(text) ?? (isAmbiguous(text) ? 'several labels' : undefined));
}
