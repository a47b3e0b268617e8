// Texts to token ids, as the model's tokenizer.json says; the library encodes, the cutting is ours.
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { MienError } from '../base/errors.js';

export interface Tokenizer {
  /** Token ids with special tokens, cut at the limit by dropping the text's last tokens. Never fails on a text. */
  encode(text: string): { ids: Int32Array; truncated: boolean };
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
}

/** No text needs to be read further than this for its first token; longer ones are read in pieces that double. */
const CHARACTERS_PER_TOKEN = 32;

/** Cuts at white space, which no token crosses, at or after `length`; the whole text where there is none. */
function prefixOf(text: string, length: number): string {
  const end = text.slice(length).search(/[ \t\r\n]/);
  return end < 0 ? text : text.slice(0, length + end);
}

/**
 * A tokenizer from the parsed tokenizer.json of a BERT-family model.
 * @throws MienError `format` when it is no tokenizer, `config` when `maxTokens` leaves no room for text.
 */
export function createTokenizer(json: unknown, { maxTokens, file }: TokenizerOptions): Tokenizer {
  const place = file === undefined ? {} : { file };
  let library: Library;
  let tokens: (text: string, special: boolean) => readonly number[];
  let prefix: readonly number[];
  let suffix: readonly number[];
  try {
    library = new Library(json as object, {});
    tokens = (text, special) => library.encode(text, { add_special_tokens: special }).ids as number[];
    // Where special tokens stand is seen from a text with them and without.
    const bare = tokens('a', false);
    const full = tokens('a', true);
    const at = full.findIndex((_, i) => bare.every((id, j) => full[i + j] === id));
    if (bare.length === 0 || at < 0 || ![...full, ...bare].every(Number.isInteger))
      throw new Error('no tokens');
    prefix = full.slice(0, at);
    suffix = full.slice(at + bare.length);
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new MienError('format', `is not a tokenizer.json that can be used (${reason})`, {
      ...place,
      cause,
    });
  }
  const room = maxTokens - prefix.length - suffix.length;
  if (!Number.isInteger(maxTokens) || room < 1)
    throw new MienError('config', `${maxTokens} tokens leave no room for text`, { field: 'maxTokens' });

  const encode: Tokenizer['encode'] = (text) => {
    // Half of a surrogate pair has no meaning and no UTF-8; BERT's normaliser drops the replacement character.
    const clean = text.replace(/\p{Surrogate}/gu, '\uFFFD');
    for (let length = maxTokens * CHARACTERS_PER_TOKEN; ; length *= 2) {
      const part = prefixOf(clean, length);
      const body = tokens(part, false);
      const truncated = body.length > room;
      if (truncated || part.length === clean.length)
        return { ids: Int32Array.from([...prefix, ...body.slice(0, room), ...suffix]), truncated };
    }
  };
  return {
    encode,
    margins: { before: prefix.length, after: suffix.length },
    idOf: (token) => library.token_to_id(token),
  };
}
