// Files laid out as published checkpoints are, filled by the golden formula instead of trained weights.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeSafetensors, int64, type ParameterSpec, type Tensors } from 'mien-engine';
import { bertConfig, bertParameters, efficientNetConfig, faceNetworkParameters, profiles } from 'mien-lab';
import { goldenWeights } from './golden.js';
import type { HubRepository } from './hub-server.js';

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
      id,
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
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
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries([
        ...Object.entries(special),
        ...unused,
        ...words.map((word, i) => [word, 104 + i] as const),
      ]),
    },
  };
}

/** config.json of the golden `bert-tiny`. */
export const bertTinyConfig = {
  architectures: ['BertForMaskedLM'],
  model_type: 'bert',
  hidden_act: 'gelu',
  layer_norm_eps: 1e-12,
  vocab_size: 30522,
  max_position_embeddings: 512,
  type_vocab_size: 2,
  pad_token_id: 0,
  hidden_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 512,
};

/** config.json of `distilbert-base-uncased`. */
export const distilBertConfig = {
  architectures: ['DistilBertForMaskedLM'],
  model_type: 'distilbert',
  activation: 'gelu',
  vocab_size: 30522,
  max_position_embeddings: 512,
  sinusoidal_pos_embds: false,
  pad_token_id: 0,
  dim: 768,
  n_layers: 6,
  n_heads: 12,
  hidden_dim: 3072,
  dropout: 0.1,
  attention_dropout: 0.1,
};

/** config.json of `timm/efficientnet_b3.ra2_in1k`, as far as it is read. */
export const efficientNetB3Config = {
  architecture: 'efficientnet_b3',
  num_classes: 1000,
  num_features: 1536,
  pretrained_cfg: {
    tag: 'ra2_in1k',
    input_size: [3, 288, 288],
    test_input_size: [3, 320, 320],
    interpolation: 'bicubic',
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    first_conv: 'conv_stem',
  },
};

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const shapesOf = (specs: readonly ParameterSpec[]): Record<string, readonly number[]> =>
  Object.fromEntries(specs.map(({ name, shape }) => [name, shape]));

const safetensors = (tensors: Tensors): Uint8Array =>
  new Uint8Array(Buffer.concat(encodeSafetensors(tensors, { format: 'pt' })));

/**
 * The files of a BERT or DistilBERT repository: tensors with the family's prefix, a masked-LM head, a tokenizer whose
 * vocabulary is `words`.
 */
export function bertFiles(
  config: { vocab_size: number },
  words: readonly string[],
): Record<string, Uint8Array> {
  const parsed = bertConfig(config);
  const { family, width, vocabulary } = parsed;
  const body = Object.entries(goldenWeights(shapesOf(bertParameters(parsed))));
  const head = goldenWeights({
    'vocab_transform.weight': [width, width],
    'vocab_transform.bias': [width],
    'vocab_layer_norm.weight': [width],
    'vocab_layer_norm.bias': [width],
    'vocab_projector.bias': [vocabulary],
  });
  const tensors = Object.fromEntries(body.map(([name, value]) => [`${family}.${name}`, value]));
  return {
    'config.json': json(config),
    'tokenizer.json': json(bertTokenizerJson(words)),
    'model.safetensors': safetensors({ ...tensors, ...head }),
  };
}

/** The files of a timm EfficientNet repository: with the ImageNet classifier and the counters of batch norms. */
export function efficientNetFiles(config: { architecture: string }): Record<string, Uint8Array> {
  const network = efficientNetConfig(config.architecture);
  const shapes = shapesOf(faceNetworkParameters(network));
  const counters = Object.keys(shapes)
    .filter((name) => name.endsWith('running_mean'))
    .map((name) => [name.replace('running_mean', 'num_batches_tracked'), int64([], [1])] as const);
  const classifier = { 'classifier.weight': [1000, network.width], 'classifier.bias': [1000] };
  return {
    'config.json': json(config),
    'model.safetensors': safetensors({
      ...goldenWeights({ ...shapes, ...classifier }),
      ...Object.fromEntries(counters),
    }),
  };
}

/** Repositories of the hub as the profile `paper` names them; DistilBERT's weights are 268 MB. */
export const paperRepositories = (
  words: readonly string[],
  config: { vocab_size: number } = distilBertConfig,
): Record<string, HubRepository> => ({
  [profiles.paper.text.id]: { commit: profiles.paper.text.revision, files: bertFiles(config, words) },
  [profiles.paper.face.id]: { commit: 'b3'.repeat(20), files: efficientNetFiles(efficientNetB3Config) },
});

/** Writes files into a folder, which is made. */
export async function writeFiles(folder: string, files: Record<string, Uint8Array>): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
  return folder;
}
