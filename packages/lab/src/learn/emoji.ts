// Emoji and signs in unused places of a vocabulary: which ones, and their initial embeddings.
import { createRequire } from 'node:module';
import { float32, type Tensors } from 'mien-engine/base';
import { MANNERS, SEQUENCES, type Tokenizer } from 'mien/parts/encoders';

interface Described {
  readonly name: string;
  readonly group: string;
}

/** Emoji that are one code point, with the name Unicode gives them and their group. */
const DESCRIBED: ReadonlyMap<string, Described> = new Map(
  Object.entries(createRequire(import.meta.url)('unicode-emoji-json') as Record<string, Described>).flatMap(
    ([emoji, described]) => {
      const base = emoji.replaceAll('\ufe0f', '');
      return [...base].length === 1 ? [[base, described] as const] : [];
    },
  ),
);

/** Words in the names of emoji that do not describe the picture. */
const EMPTY = new Set(['face', 'with', 'of', 'and', 'the', 'on', 'in', 'symbol', 'button']);

const wordsOf = (sign: string): string => {
  const words = (MANNERS[sign] ?? DESCRIBED.get(sign)!.name).toLowerCase().split(/[\s-]+/);
  const telling = words.filter((word) => !EMPTY.has(word));
  return (telling.length > 0 ? telling : words).join(' ');
};

/**
 * Signs to give tokens to, at most `limit`: those that stand for a manner of writing, the emoji that occur in the texts
 * from the most frequent on, then those that show a face or a feeling, gestures, and the rest in Unicode's order.
 */
export function chooseSigns(texts: readonly string[], limit: number): string[] {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const { 0: emoji } of text.matchAll(/\p{Extended_Pictographic}/gu))
      if (DESCRIBED.has(emoji)) counts.set(emoji, (counts.get(emoji) ?? 0) + 1);
  const met = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([emoji]) => emoji);
  const inGroup = (group: string): string[] =>
    [...DESCRIBED].filter(([, described]) => described.group === group).map(([emoji]) => emoji);
  const groups = ['Smileys & Emotion', 'People & Body', 'Activities', 'Animals & Nature', 'Food & Drink'];
  return [
    ...new Set([...Object.keys(MANNERS), ...met, ...groups.flatMap(inGroup), ...DESCRIBED.keys()]),
  ].slice(0, limit);
}

interface TokenizerJson {
  readonly added_tokens?: readonly object[];
  readonly model: { readonly vocab: Readonly<Record<string, number>> };
}

/**
 * A parsed tokenizer.json whose unused places (`[unused0]`, …) are taken by these signs, as many as there is room for;
 * signs that it knows already are left as they are. What is written for a sign, such as an emoticon, becomes an added
 * token with the sign's id.
 */
export function withSigns<Json>(
  json: Json,
  signs: readonly string[],
): { json: Json; added: Map<string, number> } {
  const { model, added_tokens: known } = json as TokenizerJson;
  const free = Object.entries(model.vocab)
    .filter(([token]) => /^\[unused\d+\]$/.test(token))
    .sort(([, a], [, b]) => a - b);
  const wanted = signs.filter((sign) => !(sign in model.vocab)).slice(0, free.length);
  const renamed = new Map(wanted.map((sign, i) => [free[i]![0], sign]));
  const vocab = Object.fromEntries(
    Object.entries(model.vocab).map(([token, id]) => [renamed.get(token) ?? token, id]),
  );
  const added = new Map(wanted.map((sign, i) => [sign, free[i]![1]]));
  const present = new Set((known ?? []).map((token) => (token as { content?: string }).content));
  const written = [...SEQUENCES].flatMap(([content, sign]) => {
    const id = present.has(content) ? undefined : (added.get(sign) ?? vocab[sign]);
    const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: false };
    return id === undefined ? [] : [{ id, content, ...plain }];
  });
  return {
    json: { ...json, added_tokens: [...(known ?? []), ...written], model: { ...model, vocab } },
    added,
  };
}

const WORDS = 'embeddings.word_embeddings.weight';

/** The weights with the embedding of each added sign set to the mean of those of its name's words. */
export function withMeanings(
  weights: Tensors,
  added: ReadonlyMap<string, number>,
  { encode, margins }: Pick<Tokenizer, 'encode' | 'margins'>,
): Tensors {
  const { data, shape } = weights[WORDS]!;
  const width = shape[1]!;
  const table = Float32Array.from(data as Float32Array);
  for (const [sign, id] of added) {
    const { ids } = encode(wordsOf(sign));
    const words = ids.subarray(margins.before, ids.length - margins.after);
    for (let k = 0; k < width; k++) {
      let sum = 0;
      for (const word of words) sum += (data as Float32Array)[word * width + k]!;
      table[id * width + k] = sum / words.length;
    }
  }
  return { ...weights, [WORDS]: float32(shape, table) };
}
