// words.json, the file of a bundle that states its decoder's tokens; and tokens as text.
import { z } from 'zod';
import { MienError } from 'mien-engine/base';
import { checkData } from '../base/check-data.js';

/** Files that a bundle may have so that speech can be transcribed. */
export const WORDS_FILES = {
  /** From samples to what the decoder's cross-attentions read. */
  encoder: 'words-encoder.onnx',
  /** From tokens to the logits of the next one. */
  decoder: 'words-decoder.onnx',
  vocabulary: 'words.json',
} as const;

const id = z.int().min(0);
const size = z.int().min(1);

export const wordsSchema = z.strictObject({
  format: z.literal('mien-words-1'),
  /** Blocks of the decoder, heads of each of its attentions, width of a head. */
  layers: size,
  heads: size,
  headWidth: size,
  /** Most tokens, the prompt included. */
  positions: size,
  /** Length of a window in seconds: the longest sound that the encoder takes at once. */
  window: z.number().positive(),
  start: id,
  end: id,
  noSpeech: id,
  noTimestamps: id,
  /** The token of 0 s; those after it follow at intervals of 20 ms. */
  firstTimestamp: id,
  /** Latest start of a window's first segment, in steps of 20 ms. */
  latestStart: id,
  /** Tokens that are never chosen, and those that are not the first of a window. */
  suppressed: z.array(id),
  suppressedFirst: z.array(id),
  /** The text tokens in order of their ids, their bytes written as in GPT-2's vocab.json. */
  vocabulary: z.array(z.string()).min(1),
});

export type WordsVocabulary = z.infer<typeof wordsSchema>;

/**
 * Checks a parsed words.json.
 * @throws MienError `format` with the key if it is none, or if its tokens contradict each other
 */
export function checkWords(json: unknown, file: string = WORDS_FILES.vocabulary): WordsVocabulary {
  const data = checkData(wordsSchema, json, { file });
  const { vocabulary, end, noTimestamps, firstTimestamp } = data;
  const wrong = vocabulary.findIndex((token) => [...token].some((sign) => !BYTES.has(sign)));
  if (wrong >= 0)
    throw new MienError('format', `token ${wrong} does not consist of bytes`, { file, field: 'vocabulary' });
  if (end < vocabulary.length || noTimestamps >= firstTimestamp || end >= firstTimestamp)
    throw new MienError('format', 'text tokens come first, then `end` and other special ones, then times', {
      file,
      field: 'end',
    });
  return data;
}

const isPrintable = (byte: number): boolean =>
  (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte <= 0xff && byte !== 0xad);

function signOf(byte: number): string {
  if (isPrintable(byte)) return String.fromCharCode(byte);
  let before = 0;
  for (let other = 0; other < byte; other++) if (!isPrintable(other)) before++;
  return String.fromCharCode(0x100 + before);
}

/**
 * GPT-2's way to write bytes as printable characters: those of Latin-1 that are printable stand for themselves, the
 * others for characters from U+0100 on (`bytes_to_unicode` in openai/gpt-2's encoder.py).
 */
const BYTES: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 256 }, (_, byte) => [signOf(byte), byte]),
);

/** The text of tokens; special ones and times have none. Bytes that are not UTF-8 become U+FFFD. */
export function textOf(
  tokens: readonly number[],
  { vocabulary }: Pick<WordsVocabulary, 'vocabulary'>,
): string {
  const signs = tokens.flatMap((token) => [...(vocabulary[token] ?? '')]);
  return new TextDecoder().decode(Uint8Array.from(signs, (sign) => BYTES.get(sign) ?? 0));
}
