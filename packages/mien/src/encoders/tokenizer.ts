// Texts to token ids, as the model's tokenizer.json says. The library encodes words; what a word is, is decided here, so
// that a symbol never makes the word beside it unknown.
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { MienError } from 'mien-engine/base';
import { unreadLetters } from './scripts.js';
import { emphasisOf, LONG, LOUD } from './signs.js';
import { joinSpaced, plainSequence, readableIn, unitPattern, unitsOf, type Unit } from './text-units.js';

/** A unit of a text and the tokens that it became. */
export interface Piece extends Unit {
  /** Its tokens among all of the text, special ones counted: from `first` to before `last`. */
  readonly first: number;
  readonly last: number;
  /**
   * How many characters there are to be read (`readableIn`), and how many of these are: those that the vocabulary has
   * tokens for, unless it knows no more than single letters of their script (`unreadLetters`).
   */
  readonly readable: number;
  readonly read: number;
}

export interface Encoding {
  readonly ids: Int32Array;
  /** Whether the text was cut at the limit. */
  readonly truncated: boolean;
  /** What the ids between the special ones stand for, in the order of the text. */
  readonly pieces: readonly Piece[];
}

export interface Tokenizer {
  /** Token ids with special tokens, cut at the limit by dropping the text's last tokens. Never fails on a text. */
  encode(text: string): Encoding;
  /** How many special tokens stand before and behind those of a text. */
  readonly margins: { readonly before: number; readonly after: number };
  /** The id of a token, such as `[MASK]`; undefined where the vocabulary has none of this name. */
  idOf(token: string): number | undefined;
}

export interface TokenizerOptions {
  /** Most tokens a text may have, special ones included. */
  maxTokens: number;
  /** What to call tokenizer.json in errors. */
  file?: string;
  /**
   * Sequences that have tokens of their own, such as emoji, emoticons and placeholders, with their ids; by default those
   * `added_tokens` of tokenizer.json that are not special. They are found before the text is divided, and as they are
   * written: pictographs without skin tones and variation selectors (`unitsOf`), the rest letter by letter.
   */
  addedTokens?: ReadonlyMap<string, number>;
}

/** What is read of tokenizer.json here. */
interface TokenizerJson {
  readonly added_tokens?: readonly {
    readonly id: number;
    readonly content: string;
    readonly special: boolean;
  }[];
  readonly model?: { readonly unk_token?: string; readonly vocab?: Readonly<Record<string, number>> };
}

/** Words whose tokens are kept; then the memory starts anew. */
const WORDS_KEPT = 20_000;
/** Longer words are not kept. */
const KEPT_LENGTH = 40;

/** Of a word: Latin letters and digits with their marks, or letters of other scripts. */
const SCRIPT_RUNS = /[\p{Script=Latin}\p{N}\p{M}]+|[^\p{Script=Latin}\p{N}\p{M}]+/gu;

/**
 * A tokenizer from the parsed tokenizer.json of a BERT-family model.
 * @throws MienError `format` when it is no tokenizer, `config` when `maxTokens` leaves no room for text.
 */
export function createTokenizer(
  json: unknown,
  { maxTokens, file, addedTokens }: TokenizerOptions,
): Tokenizer {
  const place = file === undefined ? {} : { file };
  const { library, prefix, suffix, encode: tokens } = openLibrary(json, place);
  const room = maxTokens - prefix.length - suffix.length;
  if (!Number.isInteger(maxTokens) || room < 1)
    throw new MienError('config', `${maxTokens} tokens leave no room for text`, { field: 'maxTokens' });
  const { added_tokens: published = [], model } = json as TokenizerJson;
  const given =
    addedTokens ?? published.filter((one) => !one.special).map((one) => [one.content, one.id] as const);
  const added = new Map(Array.from(given, ([sequence, id]) => [plainSequence(sequence), id]));
  const pattern = unitPattern(added.keys());
  const unreadIn = unreadLetters(model?.vocab ?? {});
  const unknown = library.token_to_id(model?.unk_token ?? '[UNK]');

  const kept = new Map<string, readonly number[]>();
  const tokensOf = (word: string): readonly number[] => {
    const before = kept.get(word);
    if (before) return before;
    const ids = tokens(word, false);
    if (kept.size >= WORDS_KEPT) kept.clear();
    if (word.length <= KEPT_LENGTH) kept.set(word, ids);
    return ids;
  };
  const isKnown = (ids: readonly number[]): boolean => unknown === undefined || !ids.includes(unknown);

  // A vocabulary with marks for emphasis is read with them.
  const hasMarks = [LOUD, LONG].every((mark) => library.token_to_id(mark) !== undefined);

  /** Letters of a script that the vocabulary lacks do not make Latin ones beside them unknown. */
  const partsOf = (word: string): readonly string[] =>
    isKnown(tokensOf(word)) ? [word] : (word.match(SCRIPT_RUNS) ?? [word]);
  /** Of a pictograph that is joined of several and unknown, the first ones may be known. */
  const ofPictograph = (picture: string): readonly number[] => {
    for (let part = picture; part !== ''; part = withoutLast(part)) {
      const id = added.get(part);
      if (id !== undefined) return [id];
      const ids = tokensOf(part);
      if (isKnown(ids)) return ids;
    }
    return tokensOf(picture).slice(0, 1);
  };
  const read = ({ kind, plain }: Unit): { ids: readonly number[]; readable: number; read: number } => {
    if (kind === 'added') {
      const readable = readableIn(kind, plain);
      return { ids: [added.get(plain)!], readable, read: readable };
    }
    const { word, marks } =
      kind === 'word' && hasMarks
        ? emphasisOf(plain, (one) => library.token_to_id(one))
        : { word: plain, marks: [] };
    const parts = (kind === 'word' ? partsOf(word) : [word]).map((part) => {
      const ids = kind === 'pictograph' ? ofPictograph(part) : tokensOf(part);
      return { ids, read: isKnown(ids) ? readableIn(kind, part) - unreadIn(part) : 0 };
    });
    return {
      ids: [...parts.flatMap(({ ids }) => ids), ...marks.map((mark) => library.token_to_id(mark)!)],
      readable: readableIn(kind, word),
      read: parts.reduce((sum, part) => sum + part.read, 0),
    };
  };

  const encode: Tokenizer['encode'] = (text) => {
    const body: number[] = [];
    const pieces: Piece[] = [];
    const units = unitsOf(text, pattern);
    for (const unit of hasMarks ? joinSpaced(units, text) : units) {
      const { ids, ...counts } = read(unit);
      if (ids.length === 0) continue;
      if (body.length < room) {
        const first = prefix.length + body.length;
        const last = Math.min(first + ids.length, prefix.length + room);
        pieces.push({ ...unit, first, last, ...counts });
      }
      body.push(...ids);
      if (body.length > room) break;
    }
    return {
      ids: Int32Array.from([...prefix, ...body.slice(0, room), ...suffix]),
      truncated: body.length > room,
      pieces,
    };
  };
  return {
    encode,
    margins: { before: prefix.length, after: suffix.length },
    idOf: (token) => library.token_to_id(token),
  };
}

/** Without what was joined last, or without the keycap around it. */
const withoutLast = (picture: string): string =>
  picture.includes('\u200D')
    ? picture.slice(0, picture.lastIndexOf('\u200D'))
    : picture.endsWith('\u20E3')
      ? picture.slice(0, -1)
      : '';

/** The library with this vocabulary, and the special tokens that it puts before and behind a text. */
function openLibrary(json: unknown, place: { file?: string }) {
  try {
    const { added_tokens: added, ...rest } = json as TokenizerJson;
    // Units are found here; the library is not to look for added ones inside of words.
    const special = added?.filter((one) => one.special) ?? [];
    const library = new Library({ ...rest, added_tokens: special }, {});
    const encode = (text: string, withSpecial: boolean): readonly number[] =>
      library.encode(text, { add_special_tokens: withSpecial }).ids as number[];
    // Where special tokens stand is seen from a text with them and without.
    const bare = encode('a', false);
    const full = encode('a', true);
    const at = full.findIndex((_, i) => bare.every((id, j) => full[i + j] === id));
    if (bare.length === 0 || at < 0 || ![...full, ...bare].every(Number.isInteger))
      throw new Error('no tokens');
    return { library, encode, prefix: full.slice(0, at), suffix: full.slice(at + bare.length) };
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new MienError('format', `is not a tokenizer.json that can be used (${reason})`, {
      ...place,
      cause,
    });
  }
}
