// Files laid out as published checkpoints are, filled by the golden formula instead of trained weights.

/**
 * The tokenizer.json of an uncased BERT with this vocabulary from id 104 on; ids below are the usual special tokens
 * ([PAD] 0, [UNK] 100, [CLS] 101, [SEP] 102, [MASK] 103) and unused ones.
 */
export function bertTokenizerJson(words: readonly string[]): object {
  const special = { '[PAD]': 0, '[UNK]': 100, '[CLS]': 101, '[SEP]': 102, '[MASK]': 103 };
  const unused = Array.from({ length: 99 }, (_, i) => [`[unused${i}]`, i + 1] as const);
  const token = (name: keyof typeof special) => ({ id: name, ids: [special[name]], tokens: [name] });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: Object.entries(special).map(([content, id]) => ({
      ...{ id, content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false },
    })),
    normalizer: {
      ...{ type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null },
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
      ],
      pair: [],
      special_tokens: { '[CLS]': token('[CLS]'), '[SEP]': token('[SEP]') },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      ...{
        type: 'WordPiece',
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
      },
      vocab: Object.fromEntries([
        ...Object.entries(special),
        ...unused,
        ...words.map((word, i) => [word, 104 + i] as const),
      ]),
    },
  };
}
