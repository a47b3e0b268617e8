// BERT and DistilBERT on the graph: one definition, configured by config.json, with the checkpoint's parameter names.
// Sources: Devlin et al. 2019; Sanh et al. 2019; names and layer order as in Hugging Face transformers.
import { z } from 'zod';
import {
  add,
  cast,
  constant,
  constantInit,
  constantParameters,
  dropout,
  firstRows,
  gather,
  gelu,
  type Graph,
  layerNorm,
  linear,
  matmul,
  mean,
  mul,
  normalInit,
  type Parameters,
  quantizedLinear,
  quantizedRows,
  quantizeRows,
  quantizeWeight,
  reshape,
  scoped,
  slice,
  softmax,
  sub,
  type Tensor,
  type Tensors,
  transpose,
  type Value,
} from 'mien-engine';
import { MienError } from 'mien-engine/base';
import { checkData } from 'mien/parts/base';
import { checkHeads, count } from './config.js';
import type { Pooling } from './profiles.js';

/** Names of the same parameters in the two families. */
const FAMILIES = {
  bert: {
    layer: 'encoder.layer',
    projections: ['attention.self.query', 'attention.self.key', 'attention.self.value'],
    context: 'attention.output.dense',
    contextNorm: 'attention.output.LayerNorm',
    expansion: 'intermediate.dense',
    contraction: 'output.dense',
    outputNorm: 'output.LayerNorm',
  },
  distilbert: {
    layer: 'transformer.layer',
    projections: ['attention.q_lin', 'attention.k_lin', 'attention.v_lin'],
    context: 'attention.out_lin',
    contextNorm: 'sa_layer_norm',
    expansion: 'ffn.lin1',
    contraction: 'ffn.lin2',
    outputNorm: 'output_layer_norm',
  },
} as const;

export interface BertConfig {
  readonly family: keyof typeof FAMILIES;
  readonly vocabulary: number;
  /** Maximum number of tokens. */
  readonly positions: number;
  /** Rows of the token type table; DistilBERT has none. */
  readonly types: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width between the two layers of the feed-forward part. */
  readonly inner: number;
  /** Layer norm's epsilon. */
  readonly epsilon: number;
}

const shared = { vocab_size: count, max_position_embeddings: count };
const schemas = z.discriminatedUnion('model_type', [
  z.object({
    ...shared,
    model_type: z.literal('bert'),
    type_vocab_size: count,
    hidden_size: count,
    num_hidden_layers: count,
    num_attention_heads: count,
    intermediate_size: count,
    layer_norm_eps: z.number().positive().default(1e-12),
    hidden_act: z.literal('gelu'),
    position_embedding_type: z.literal('absolute').default('absolute'),
  }),
  z.object({
    ...shared,
    model_type: z.literal('distilbert'),
    dim: count,
    n_layers: count,
    n_heads: count,
    hidden_dim: count,
    activation: z.literal('gelu'),
  }),
]);

/**
 * Reads a parsed config.json.
 * @throws MienError `weights` with the key if it is not a supported BERT or DistilBERT
 */
export function bertConfig(json: unknown, file?: string): BertConfig {
  const hint = `Text encoders are of these model types: ${Object.keys(FAMILIES).join(', ')}.`;
  const data = checkData(schemas, json, { code: 'weights', file, hint });
  const common = { vocabulary: data.vocab_size, positions: data.max_position_embeddings };
  const config: BertConfig =
    data.model_type === 'bert'
      ? {
          ...common,
          family: 'bert',
          types: data.type_vocab_size,
          width: data.hidden_size,
          layers: data.num_hidden_layers,
          heads: data.num_attention_heads,
          inner: data.intermediate_size,
          epsilon: data.layer_norm_eps,
        }
      : {
          ...common,
          family: 'distilbert',
          types: 0,
          width: data.dim,
          layers: data.n_layers,
          heads: data.n_heads,
          inner: data.hidden_dim,
          epsilon: 1e-12,
        };
  checkHeads(config, file);
  return config;
}

export interface BertInputs {
  /** Token ids `[batch, tokens]`, int32 or int64. */
  readonly ids: Value;
  /** int32 `[batch, tokens]`, 0 for padding; without it, there is no padding. */
  readonly mask?: Value;
}

export interface BertOptions {
  /**
   * For training: the probability with which dropout sets to zero what enters the first layer, each attention weight
   * and each element that is added to a residual. The seed is an int32 scalar, another one in every step; all sizes
   * must be known then.
   */
  readonly dropout?: { readonly rate: number; readonly seed: Value };
}

/** Dropout at the place of this name; the identity without dropout. */
type Drop = (x: Value, place: string) => Value;

const dropping =
  ({ dropout: chosen }: BertOptions): Drop =>
  (x, place) =>
    chosen === undefined ? x : dropout(x, chosen.rate, { seed: chosen.seed, place });

/** Subtracted from the scores of padded keys before the softmax. */
const MASKED = -1e9;

type Norm = readonly [scale: Value, bias: Value];

function norm(p: Parameters, name: string, width: number): Norm {
  return [p.get(`${name}.weight`, [width], constantInit(1)), p.get(`${name}.bias`, [width], constantInit(0))];
}

function embed(p: Parameters, config: BertConfig, ids: Value): Value {
  const { vocabulary, positions, types, width, epsilon } = config;
  const table = (name: string, rows: number): Value =>
    p.get(`embeddings.${name}_embeddings.weight`, [rows, width], normalInit(0.02));
  const words = 'embeddings.word_embeddings.weight';
  const tokens = p.rows?.(words, ids) ?? gather(table('word', vocabulary), ids);
  const places = firstRows(table('position', positions), ids.shape[1]!);
  // Every token has type 0, that of a single text.
  const offsets = types === 0 ? places : add(places, slice(table('token_type', types), 0, 0, 1));
  return layerNorm(add(tokens, offsets), ...norm(p, 'embeddings.LayerNorm', width), epsilon);
}

/** Context vectors `[batch, tokens, width]` of scaled dot-product attention (Vaswani et al. 2017). */
function attend(
  p: Parameters,
  { heads, width }: BertConfig,
  names: readonly string[],
  x: Value,
  mask: Value | undefined,
  drop: (weights: Value) => Value,
): Value {
  const [batch, tokens] = x.shape as [number, number];
  const split = (name: string, order: readonly number[]): Value =>
    transpose(reshape(linear(p, name, x, width), [batch, tokens, heads, width / heads]), order);
  const [query, key, value] = [
    split(names[0]!, [0, 2, 1, 3]),
    split(names[1]!, [0, 2, 3, 1]),
    split(names[2]!, [0, 2, 1, 3]),
  ];
  const scores = mul(matmul(query, key), 1 / Math.sqrt(width / heads));
  const masked =
    mask === undefined
      ? scores
      : add(scores, mul(sub(1, cast(reshape(mask, [batch, 1, 1, tokens]), 'float32')), MASKED));
  return reshape(transpose(matmul(drop(softmax(masked)), value), [0, 2, 1, 3]), [batch, tokens, width]);
}

/**
 * Token states of the last layer, `[batch, tokens, width]`. ONNX Runtime fuses bias and GELU automatically; in
 * measurements, its fused attention was not faster and its fused skip-layer-norm was slower.
 * @throws MienError `shape` for more tokens than positions
 */
export function bert(
  p: Parameters,
  config: BertConfig,
  { ids, mask }: BertInputs,
  options: BertOptions = {},
): Value {
  const { width, inner, epsilon } = config;
  const names = FAMILIES[config.family];
  const drop = dropping(options);
  let x = drop(
    scoped(p.graph, 'embeddings', () => embed(p, config, ids)),
    'embeddings',
  );
  for (let i = 0; i < config.layers; i++) {
    const at = (name: string): string => `${names.layer}.${i}.${name}`;
    x = scoped(p.graph, `${names.layer}.${i}`, () => {
      const context = linear(
        p,
        at(names.context),
        attend(p, config, names.projections.map(at), x, mask, (weights) => drop(weights, at('attention'))),
        width,
      );
      const kept = drop(context, at(names.context));
      const attended = layerNorm(add(kept, x), ...norm(p, at(names.contextNorm), width), epsilon);
      const expanded = gelu(linear(p, at(names.expansion), attended, inner));
      const contracted = drop(linear(p, at(names.contraction), expanded, width), at(names.contraction));
      return layerNorm(add(contracted, attended), ...norm(p, at(names.outputNorm), width), epsilon);
    });
  }
  return x;
}

/** One embedding per text, `[batch, tokens, width]` → `[batch, width]`; for texts without padding. */
export function poolTokens(states: Value, pooling: Pooling): Value {
  const [batch, , width] = states.shape as [number, number, number];
  return pooling === 'mean' ? mean(states, [1]) : reshape(slice(states, 1, 0, 1), [batch, width]);
}

/** The parts at which training can start, in order: the embedding tables, then each layer. */
export const bertParts = ({ family, layers }: BertConfig): string[] => [
  'embeddings',
  ...Array.from({ length: layers }, (_, i) => `${FAMILIES[family].layer}.${i}`),
];

/** The part of a parameter; undefined if it is not one of the encoder's. */
export const bertPartOf = (config: BertConfig, name: string): string | undefined =>
  bertParts(config).find((part) => name.startsWith(`${part}.`));

/** A BERT as published: its config.json, parsed and as read, and its weights. */
interface PublishedBert {
  readonly json: unknown;
  readonly config: BertConfig;
  readonly weights: Tensors;
}

/**
 * The same BERT with some of its layers only, counted from 0.
 * @throws MienError `config` with the field `layers` if it lacks one of them, or they are not in ascending order
 */
export function withLayers(
  { json, config, weights }: PublishedBert,
  layers: readonly number[],
): PublishedBert {
  if (layers.some((one, i) => one >= config.layers || (i > 0 && one <= layers[i - 1]!)))
    throw new MienError('config', `cannot be ${layers.join(', ')}; the encoder has ${config.layers} layers`, {
      field: 'layers',
      hint: `Layers are counted from 0 and stay in their order, for instance ${[...new Set([0, config.layers - 1])].join(', ')}.`,
    });
  const [, ...parts] = bertParts(config);
  const kept = Object.entries(weights).flatMap(([name, tensor]) => {
    const part = parts.find((one) => name.startsWith(`${one}.`));
    if (part === undefined) return [[name, tensor]];
    const place = layers.indexOf(parts.indexOf(part));
    return place < 0 ? [] : [[parts[place] + name.slice(part.length), tensor]];
  });
  const count = config.family === 'bert' ? 'num_hidden_layers' : 'n_layers';
  return {
    json: { ...(json as object), [count]: layers.length },
    config: { ...config, layers: layers.length },
    weights: Object.fromEntries(kept) as Tensors,
  };
}

const WORDS = 'embeddings.word_embeddings.weight';

/** Linear layers of these weights in integers, with 7-bit matrices; a layer may have no bias. */
export function quantizedLinears(graph: Graph, tensors: Tensors): NonNullable<Parameters['linear']> {
  const float = (name: string): Tensor<'float32'> | undefined => tensors[name] as Tensor<'float32'>;
  return (name, x) => {
    const weight = float(`${name}.weight`);
    // Float parameters say what is missing.
    if (weight === undefined) return undefined;
    const bias = float(`${name}.bias`);
    return quantizedLinear(x, quantizeWeight(weight), bias && constant(graph, bias));
  };
}

/**
 * As `constantParameters`, with 7-bit matrices of linear layers and an 8-bit word table; layer norms, biases and the
 * small tables stay float32.
 */
export function quantizedParameters(graph: Graph, tensors: Tensors): Parameters {
  const plain = constantParameters(graph, tensors);
  const float = (name: string): Tensor<'float32'> => tensors[name] as Tensor<'float32'>;
  return {
    ...plain,
    linear: quantizedLinears(graph, tensors),
    rows: (name, indices) =>
      name === WORDS ? quantizedRows(graph, quantizeRows(float(name)), indices) : undefined,
  };
}
