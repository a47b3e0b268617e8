// Texts to token ids, by the model's tokenizer.json. The library encodes words; texts are split into words here, so that
// a symbol never makes an adjacent word unknown.
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { MienError } from 'mien-engine/base';
import { emphasisOf, LONG, LOUD } from './signs.js';
import {
  countReadable,
  joinSpaced,
  plainSequence,
  readableIn,
  unitPattern,
  unitsOf,
  unreadLetters,
  type Unit,
} from './text-units.js';

/** A unit of a text and its tokens. */
export interface Piece extends Unit {
  /** Positions of its tokens in the encoding, special tokens included: from `first` up to `last`, exclusive. */
  readonly first: number;
  readonly last: number;
  /**
   * Number of readable characters (`readableIn`), and of those that are read: the vocabulary has tokens for them, and
   * more than single letters of their script (`unreadLetters`).
   */
  readonly readable: number;
  readonly read: number;
}

export interface Encoding {
  readonly ids: Int32Array;
  /** Whether the text was truncated at the limit. */
  readonly truncated: boolean;
  /** The units behind the ids between the special tokens, in the order of the text. */
  readonly pieces: readonly Piece[];
}

export interface Tokenizer {
  /** Token ids with special tokens, truncated at the limit by dropping the text's last tokens. Never fails on a text. */
  encode(text: string): Encoding;
  /** Numbers of special tokens before and after those of a text. */
  readonly margins: { readonly before: number; readonly after: number };
  /** The id of a token, such as `[MASK]`; undefined when the vocabulary lacks it. */
  idOf(token: string): number | undefined;
}

export interface TokenizerOptions {
  /** Maximum number of tokens of a text, special ones included. */
  maxTokens: number;
  /** Name of tokenizer.json in errors. */
  file?: string;
  /**
   * Sequences with tokens of their own, such as emoji, emoticons and placeholders, with their ids; by default those
   * `added_tokens` of tokenizer.json that are not special. They are matched before the text is split: pictographs without
   * skin tones and variation selectors (`unitsOf`), all others literally.
   */
  addedTokens?: ReadonlyMap<string, number>;
}

/** The parts of tokenizer.json that are read here. */
interface TokenizerJson {
  readonly added_tokens?: readonly {
    readonly id: number;
    readonly content: string;
    readonly special: boolean;
  }[];
  readonly model?: { readonly unk_token?: string; readonly vocab?: Readonly<Record<string, number>> };
}

/** Words in the cache; it is cleared when full. */
const CACHE_SIZE = 20_000;
/** Longer words are not cached. */
const MAX_CACHED_LENGTH = 40;

/** Parts of a word: Latin letters and digits with their marks, or letters of other scripts. */
const SCRIPT_RUNS = /[\p{Script=Latin}\p{N}\p{M}]+|[^\p{Script=Latin}\p{N}\p{M}]+/gu;

/**
 * A tokenizer from the parsed tokenizer.json of a BERT-family model.
 * @throws MienError `format` when it is not a tokenizer, `config` when `maxTokens` leaves no room for text.
 */
export function createTokenizer(
  json: unknown,
  { maxTokens, file, addedTokens }: TokenizerOptions,
): Tokenizer {
  const place = file === undefined ? {} : { file };
  const { library, prefix, suffix, encode: encodeWord } = openLibrary(json, place);
  const room = maxTokens - prefix.length - suffix.length;
  if (!Number.isInteger(maxTokens) || room < 1)
    throw new MienError('config', `${maxTokens} tokens leave no room for text`, { field: 'maxTokens' });
  const { added_tokens: published = [], model } = json as TokenizerJson;
  const addedEntries =
    addedTokens ?? published.filter((one) => !one.special).map((one) => [one.content, one.id] as const);
  const added = new Map(Array.from(addedEntries, ([sequence, id]) => [plainSequence(sequence), id]));
  const pattern = unitPattern(added.keys());
  const unreadIn = unreadLetters(model?.vocab ?? {});
  const unknown = library.token_to_id(model?.unk_token ?? '[UNK]');

  const cache = new Map<string, readonly number[]>();
  const tokensOf = (word: string): readonly number[] => {
    const cached = cache.get(word);
    if (cached) return cached;
    const ids = encodeWord(word, false);
    if (cache.size >= CACHE_SIZE) cache.clear();
    if (word.length <= MAX_CACHED_LENGTH) cache.set(word, ids);
    return ids;
  };
  const isKnown = (ids: readonly number[]): boolean => unknown === undefined || !ids.includes(unknown);
  const idsOf = (tokens: readonly string[]): number[] =>
    tokens.map((token) => library.token_to_id(token)).filter((id) => id !== undefined);

  /** Whether the vocabulary has the marks for emphasis. */
  const hasMarks = idsOf([LOUD, LONG]).length === 2;

  /** Splits unknown words by script, so that letters of a foreign script do not make adjacent Latin ones unknown. */
  const partsOf = (word: string): readonly string[] =>
    isKnown(tokensOf(word)) ? [word] : (word.match(SCRIPT_RUNS) ?? [word]);
  /** When joined pictographs are unknown as a whole, the first ones may be known. */
  const tokensOfPictograph = (pictograph: string): readonly number[] => {
    for (let part = pictograph; part !== ''; part = withoutLast(part)) {
      const id = added.get(part);
      if (id !== undefined) return [id];
      const ids = tokensOf(part);
      if (isKnown(ids)) return ids;
    }
    return tokensOf(pictograph).slice(0, 1);
  };
  const encodeUnit = ({ kind, plain }: Unit): { ids: readonly number[]; readable: number; read: number } => {
    const addedId = kind === 'added' ? added.get(plain) : undefined;
    if (addedId !== undefined) {
      const readable = readableIn(kind, plain);
      return { ids: [addedId], readable, read: readable };
    }
    const { word, marks } =
      kind === 'word' && hasMarks
        ? emphasisOf(plain, (token) => library.token_to_id(token))
        : { word: plain, marks: [] };
    const parts = (kind === 'word' ? partsOf(word) : [word]).map((part) => {
      const ids = kind === 'pictograph' ? tokensOfPictograph(part) : tokensOf(part);
      return { ids, read: isKnown(ids) ? readableIn(kind, part) - unreadIn(part) : 0 };
    });
    return {
      ids: [...parts.flatMap(({ ids }) => ids), ...idsOf(marks)],
      readable: readableIn(kind, word),
      read: parts.reduce((sum, part) => sum + part.read, 0),
    };
  };

  const encode: Tokenizer['encode'] = (text) => {
    const body: number[] = [];
    const pieces: Piece[] = [];
    const units = unitsOf(text, pattern);
    for (const unit of hasMarks ? joinSpaced(units, text) : units) {
      const { ids, ...counts } = encodeUnit(unit);
      if (ids.length === 0) continue;
      if (body.length < room) {
        const first = prefix.length + body.length;
        const last = Math.min(first + ids.length, prefix.length + room);
        pieces.push({ ...unit, first, last, ...counts });
      }
      // Not as arguments, of which the stack holds a limited number.
      for (const id of ids) body.push(id);
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

/** Without the last joined pictograph, or without the keycap. */
const withoutLast = (pictograph: string): string =>
  pictograph.includes('\u200D')
    ? pictograph.slice(0, pictograph.lastIndexOf('\u200D'))
    : pictograph.endsWith('\u20E3')
      ? pictograph.slice(0, -1)
      : '';

/** The library with this vocabulary, and the special tokens that it puts before and after a text. */
function openLibrary(json: unknown, place: { file?: string }) {
  try {
    const { added_tokens: added, ...rest } = json as TokenizerJson;
    // Added sequences are matched here; the library must not look for them inside words.
    const special = added?.filter((one) => one.special) ?? [];
    const library = new Library({ ...rest, added_tokens: special }, {});
    const encode = (text: string, withSpecial: boolean): readonly number[] =>
      library.encode(text, { add_special_tokens: withSpecial }).ids as number[];
    // Comparing a text with and without special tokens shows where they are.
    const bare = encode('a', false);
    const full = encode('a', true);
    const at = full.findIndex((_, i) => bare.every((id, j) => full[i + j] === id));
    if (bare.length === 0 || at < 0 || ![...full, ...bare].every(Number.isInteger))
      throw new Error('it gives no tokens');
    return { library, encode, prefix: full.slice(0, at), suffix: full.slice(at + bare.length) };
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new MienError('format', `is not a tokenizer.json that mien can use (${reason})`, {
      ...place,
      cause,
    });
  }
}

/** How much of a text's letters, digits and pictographs the tokens represent; punctuation and signs do not count. */
export interface TextReading {
  /** Share that was read, 0 to 1, truncated text included; 1 for a text without any. */
  readonly share: number;
  /** Share that was read of the text before truncation. */
  readonly shareBeforeCut: number;
  /** Whether there are any before truncation. */
  readonly hasWords: boolean;
  /** Whether any was read: otherwise the encoder's answer is no evidence. */
  readonly isEvidence: boolean;
  /** Pieces that were not read completely, as written; each once, in the order of the text. */
  readonly unread: readonly string[];
}

/** How much of a text its encoding represents. */
export function readingOf(text: string, { pieces, truncated }: Encoding): TextReading {
  const sum = (key: 'readable' | 'read'): number => pieces.reduce((total, piece) => total + piece[key], 0);
  const [readable, read] = [sum('readable'), sum('read')];
  const rest = truncated ? countReadable(text.slice(pieces.at(-1)?.end)) : 0;
  const shareOf = (total: number): number => (total > 0 ? read / total : 1);
  const unread = pieces.filter((piece) => piece.read < piece.readable);
  return {
    share: shareOf(readable + rest),
    shareBeforeCut: shareOf(readable),
    hasWords: readable > 0,
    isEvidence: read > 0,
    unread: [...new Set(unread.map(({ start, end }) => text.slice(start, end)))],
  };
}
