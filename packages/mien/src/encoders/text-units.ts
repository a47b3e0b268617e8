// Splits a text into the units that a tokenizer reads: words, pictographs and signs, with their positions; and which of
// their characters a vocabulary reads.

/**
 * `word`: letters and digits with their marks; an ideograph is a word of its own. `pictograph`: an emoji or the like, with
 * its modifiers and those joined to it. `added`: a sequence with a token of its own. `sign`: punctuation and any other
 * symbol.
 */
export type UnitKind = 'word' | 'pictograph' | 'added' | 'sign';

export interface Unit {
  readonly kind: UnitKind;
  /** Position in the text in UTF-16 units: from `start` up to `end`, exclusive. */
  readonly start: number;
  readonly end: number;
  /** The text that is read: styled letters as plain ones, pictographs without variation selectors, skin tones and tags. */
  readonly plain: string;
}

/** CJK ideographs, which BERT's normaliser separates. */
const IDEOGRAPH = String.raw`[\p{Unified_Ideograph}\uF900-\uFAFF\u{2F800}-\u{2FA1F}]`;
const KEYCAP = String.raw`[#*0-9]\uFE0F?\u20E3`;
/** Letters in a circle or a square. Some are emoji as well, and count as such before U+FE0F. */
const ENCLOSED = String.raw`[\u24B6-\u24E9\u{1CCD6}-\u{1CCF9}\u{1F130}-\u{1F149}\u{1F150}-\u{1F169}\u{1F170}-\u{1F189}](?!\uFE0F)`;
const LETTER = String.raw`(?:(?!${IDEOGRAPH}|${KEYCAP})[\p{L}\p{N}]|${ENCLOSED})`;
/** Controls, invisible characters and halves of surrogate pairs, which BERT's normaliser removes. */
const IGNORED = String.raw`(?:(?!\s)[\p{Cc}\p{Cf}\p{Co}\p{Cs}\uFFFD])`;
/** Repetition, bounded by the regular expression engine's stack; a longer word is joined from several matches. */
const MANY = '{0,200}';
const WORD = String.raw`${LETTER}(?:${IGNORED}${MANY}(?:${LETTER}|\p{M}))${MANY}`;

/** Skin tones, variation selectors, and the tags of regional flags. */
const VARIATION = String.raw`[\p{Emoji_Modifier}\uFE0E\uFE0F\u{E0020}-\u{E007F}]`;
/** Excludes letters, digits and punctuation unless U+FE0F makes them pictures. */
const PICTURE = String.raw`(?:(?![\p{L}\p{P}\p{Sm}©®™]|${ENCLOSED})\p{Extended_Pictographic}|(?!\p{P})\p{Extended_Pictographic}(?=\uFE0F))`;
const PICTOGRAPH = String.raw`\p{Regional_Indicator}{1,2}|${KEYCAP}|${PICTURE}${VARIATION}{0,20}(?:\u200D\p{Extended_Pictographic}${VARIATION}{0,20}){0,20}`;
const SIGN = String.raw`(?!${IGNORED})[^\s\p{M}]\p{M}${MANY}`;
const isPictograph = new RegExp(`^(${PICTOGRAPH})$`, 'u');
/**
 * Most words and signs are ASCII next to ASCII, which is matched quickly. Within a longer word it is not tried again, which
 * would take time quadratic in the length of the word.
 */
const ASCII_WORD = String.raw`(?<![A-Za-z0-9])[A-Za-z0-9]+(?![A-Za-z0-9]|[^\0-\x7F])`;
const ASCII_SIGN = String.raw`[\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E](?![^\0-\x7F])`;

/** The kind of match of each group of `unitPattern`, in order. */
const GROUPS = ['added', 'word', 'sign', 'pictograph', 'ideograph', 'word', 'sign'] as const;

/** The number of readable characters in a unit: letters and digits; a pictograph or added sequence counts as one. */
export function readableIn(kind: UnitKind, plain: string): number {
  if (kind === 'sign') return 0;
  if (kind !== 'word') return 1;
  return isAscii(plain) ? plain.length : (plain.match(/[\p{L}\p{N}]/gu) ?? []).length;
}

/** Approximates the sum of `readableIn` over all units of a text, in a fraction of the time. */
export function countReadable(text: string): number {
  const [letters, pictures] = [/[^\p{L}\p{N}]+/gu, /[^\p{Extended_Pictographic}]+/gu];
  return codePoints(text.replace(letters, '')) + codePoints(text.replace(pictures, ''));
}

const codePoints = (text: string): number =>
  text.length - text.replace(/[^\u{10000}-\u{10FFFF}]+/gu, '').length / 2;

/** Matches units. Sequences in `added` that are not pictographs take precedence, the longest first. */
export function unitPattern(added: Iterable<string> = []): RegExp {
  const sequences = [...added]
    .filter((one) => one !== '' && !isPictograph.test(one))
    .sort((a, b) => b.length - a.length);
  const addedPattern = sequences.length > 0 ? sequences.map(sequencePattern).join('|') : '(?!)';
  const groups = [addedPattern, ASCII_WORD, ASCII_SIGN, PICTOGRAPH, IDEOGRAPH, WORD, SIGN];
  return new RegExp(groups.map((group) => `(${group})`).join('|'), 'gu');
}

/** A sequence that ends in a letter or digit does not match the beginning of a longer word. */
const sequencePattern = (sequence: string): string =>
  sequence.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`) +
  (/[\p{L}\p{N}]$/u.test(sequence) ? String.raw`(?![\p{L}\p{N}\p{M}])` : '');

const PLAIN_UNITS = unitPattern();

/** The units of a text in order; between them are only white space and ignored characters. */
export function* unitsOf(text: string, pattern: RegExp = PLAIN_UNITS): Generator<Unit, void> {
  let word: { readonly start: number; readonly end: number } | undefined;
  const unit = (kind: UnitKind, start: number, end: number): Unit => ({
    kind,
    start,
    end,
    plain: plainOf(kind, text.slice(start, end)),
  });
  for (const match of text.matchAll(pattern)) {
    const [start, end] = [match.index, match.index + match[0].length];
    const kind = GROUPS[match.indexOf(match[0], 1) - 1];
    if (kind === undefined) continue;
    if (kind === 'word' && word?.end === start) {
      word = { start: word.start, end };
      continue;
    }
    if (word) yield unit('word', word.start, word.end);
    word = kind === 'word' ? { start, end } : undefined;
    if (kind !== 'word') yield unit(kind === 'ideograph' ? 'word' : kind, start, end);
  }
  if (word) yield unit('word', word.start, word.end);
}

/** Fewer letters are initials or an article. */
const MIN_SPACED_LETTERS = 3;

/** Joins letters that are spaced out for emphasis (`s a d`) into one word. */
export function* joinSpaced(units: Iterable<Unit>, text: string): Generator<Unit, void> {
  let letters: Unit[] = [];
  function* flush(): Generator<Unit, void> {
    const [first, last] = [letters[0], letters.at(-1)];
    if (first && last && letters.length >= MIN_SPACED_LETTERS)
      yield {
        kind: 'word',
        start: first.start,
        end: last.end,
        plain: letters.map(({ plain }) => plain).join(''),
      };
    else yield* letters;
    letters = [];
  }
  for (const unit of units) {
    const isLetter = unit.kind === 'word' && /^\p{L}$/u.test(unit.plain);
    const last = letters.at(-1);
    if (!isLetter || (last && text.slice(last.end, unit.start) !== ' ')) yield* flush();
    if (isLetter) letters.push(unit);
    else yield unit;
  }
  yield* flush();
}

const VARIATIONS = new RegExp(VARIATION, 'gu');
/** A sequence as in `Unit.plain`: a pictograph without variation selectors and skin tones, any other unchanged. */
export const plainSequence = (sequence: string): string =>
  isPictograph.test(sequence) ? plainOf('pictograph', sequence) : sequence;

const isAscii = (text: string): boolean => /^[\0-\x7F]*$/.test(text);

function plainOf(kind: UnitKind, text: string): string {
  if (kind === 'added' || isAscii(text)) return text;
  if (kind === 'pictograph') return text.replace(VARIATIONS, '');
  const plain = text.normalize('NFC').replace(/[^\0-\x7F]/gu, plainCharacter);
  // Some small capitals are also phonetic letters, so only words written entirely in them are converted.
  const latin = plain.replace(/[^\0-\x7F]/gu, (one) => SMALL_CAPITALS.get(one) ?? one);
  return isAscii(latin) ? latin : plain;
}

/** Superscripts, subscripts, ordinal indicators, and signs that NFKC spells out: next to a word these are not letters. */
const KEPT = /[ªº²³¹\u2070-\u2079\u2080-\u2089№℠℡™]/u;
/** Blocks that consist of styled forms of other characters, and double marks: ‼ is !!. */
const STYLED = /[\uFF01-\uFF5E\u{1D400}-\u{1D7FF}‼⁇⁈⁉]/u;
const ENCLOSING = /\p{Me}/u;
const SMALL_CAPITALS = new Map(
  [...'ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ'].map((one, i) => [one, 'abcdefghijklmnopqrstuvwyz'.charAt(i)]),
);
/** A of the capitals in white on a black circle and on a black square, for which Unicode has no plain form. */
const WHITE_CAPITALS = [0x1f150, 0x1f170];

/** A styled letter or digit in its NFKC form; other characters, which NFKC may distort, unchanged. */
function plainCharacter(character: string): string {
  const code = character.codePointAt(0) ?? NaN;
  const first = WHITE_CAPITALS.find((start) => code >= start && code < start + 26);
  if (first !== undefined) return String.fromCharCode(code - first + 65);
  if (ENCLOSING.test(character)) return '';
  const plain = character.normalize('NFKC');
  const isPlain = STYLED.test(character) || (/^[A-Za-z0-9]+$/.test(plain) && !KEPT.test(character));
  return isPlain ? plain : character;
}

/** Letters that are neither Latin nor common to several scripts, without ideographs, which are words by themselves. */
const FOREIGN = /(?![\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}\p{Unified_Ideograph}])\p{L}/gu;
const UNIFIED_IDEOGRAPH = /\p{Unified_Ideograph}/gu;
/** Of two or more letters. An English vocabulary has none, a multilingual one tens of thousands. */
const MIN_FOREIGN_WORDS = 100;
/** An English vocabulary has some 250, a Chinese or multilingual one more than 7,000. */
const MIN_IDEOGRAPHS = 1000;

/**
 * Counts the letters of a word whose scripts a vocabulary does not read: it has tokens for single letters of scripts that
 * it was not made for, and a word spelled in these means nothing to the encoder. Latin letters are always read.
 */
export function unreadLetters(vocabulary: Readonly<Record<string, unknown>>): (word: string) => number {
  let [words, ideographs] = [0, 0];
  for (const token of Object.keys(vocabulary)) {
    if (token.startsWith('##')) continue;
    if (countOf(FOREIGN, token) > 1) words++;
    else if (countOf(UNIFIED_IDEOGRAPH, token) === 1) ideographs++;
  }
  return (word) =>
    (words < MIN_FOREIGN_WORDS ? countOf(FOREIGN, word) : 0) +
    (ideographs < MIN_IDEOGRAPHS ? countOf(UNIFIED_IDEOGRAPH, word) : 0);
}

const countOf = (letters: RegExp, text: string): number =>
  isAscii(text) ? 0 : (text.match(letters)?.length ?? 0);
