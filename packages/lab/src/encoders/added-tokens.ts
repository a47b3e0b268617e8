// Adds tokens for sequences such as emoji to a BERT tokenizer, with the ids of unused vocabulary entries.
import { MienError } from 'mien-engine/base';
import { plainSequence } from 'mien/parts/encoders';

interface VocabularyJson {
  readonly added_tokens?: readonly { readonly content: string }[];
  readonly model: { readonly vocab: Readonly<Record<string, number>> };
}

/** An unused vocabulary entry: `[unused17]`. */
const UNUSED = /^\[unused\d+\]$/;

/**
 * A tokenizer.json in which each sequence has the id of an unused token, the lowest first, and the ids by sequence. The
 * sequences replace the unused entries in the vocabulary and are listed in `added_tokens`, where `createTokenizer` and
 * the Hugging Face libraries find them; pictographs are stored without variation selectors and skin tones.
 * @throws MienError `data` if a sequence already has a token, or there are more sequences than unused tokens
 */
export function addTokens(
  json: unknown,
  sequences: readonly string[],
): { readonly json: object; readonly ids: ReadonlyMap<string, number> } {
  const { added_tokens: present = [], model, ...rest } = json as VocabularyJson;
  const unused = Object.entries(model.vocab)
    .filter(([token]) => UNUSED.test(token))
    .sort(([, a], [, b]) => a - b);
  if (sequences.length > unused.length)
    throw new MienError(
      'data',
      `${sequences.length} tokens to add; the vocabulary has ${unused.length} unused`,
    );
  const taken = new Set([...Object.keys(model.vocab), ...present.map(({ content }) => content)]);
  const ids = new Map<string, number>();
  const renamed = new Map<string, string>();
  for (const [i, sequence] of sequences.map(plainSequence).entries()) {
    if (sequence === '' || taken.has(sequence) || ids.has(sequence))
      throw new MienError('data', `"${sequence}" cannot be added: it is empty or already has a token`);
    const [name, id] = unused[i]!;
    ids.set(sequence, id);
    renamed.set(name, sequence);
  }
  const flags = { special: false, single_word: false, lstrip: false, rstrip: false, normalized: false };
  return {
    json: {
      ...rest,
      added_tokens: [...present, ...[...ids].map(([content, id]) => ({ id, content, ...flags }))],
      model: {
        ...model,
        vocab: Object.fromEntries(
          Object.entries(model.vocab).map(([token, id]) => [renamed.get(token) ?? token, id]),
        ),
      },
    },
    ids,
  };
}
