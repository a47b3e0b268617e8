// Restores a bundle's encoders as learned encoders, from which training, averaging or a comparison can start.
//
// A bundle has no parameter names, but the code that writes its models is deterministic: a probe built with the same
// configuration and marked weights has the same nodes and the same constants, and shows which constant is which
// parameter. Weights keep the precision they were stored with: whole numbers times their scales, or float16.
import { join } from 'node:path';
import {
  defined,
  float16ToFloat32,
  float32,
  MienError,
  type Model,
  type ParameterSpec,
  readModel,
  sizeOf,
  type Tensor,
  type Tensors,
} from 'mien-engine';
import { readBundle, type BundleManifest } from 'mien/parts/bundle';
import { bertConfig, type BertConfig } from '../encoders/bert.js';
import type { FaceInput } from '../encoders/face-encoder.js';
import { type FaceNetwork, faceNetworkParameters } from '../encoders/face-network.js';
import { bertParameters, faceConfig } from '../encoders/load.js';
import { CLASSIFIER, FINE_CLASSIFIER, PUBLISHED_CLASSIFIER } from '../learn/classifier.js';
import {
  classifierSpecs,
  type FinishedTraining,
  type LearnedRecord,
  writeLearned,
} from '../learn/learned.js';
import { learnedFaceModel, learnedTextModel, type Precision } from './models.js';

export interface RestoreOptions {
  /** Folder of the bundle. */
  readonly bundle: string;
  /** Gets `text/` and `face/`, each of the form that `mien learn` writes. */
  readonly out: string;
}

export interface Restored {
  readonly text?: LearnedRecord;
  readonly face?: LearnedRecord;
}

type TextPart = NonNullable<BundleManifest['text']>;
type FacePart = NonNullable<BundleManifest['face']>;

/**
 * Writes the encoders of a bundle as learned encoders.
 * @throws MienError `bundle` if the bundle cannot be read, or an encoder of it was not written by this version of mien
 *   from a learned encoder.
 */
export async function restoreLearned({ bundle: folder, out }: RestoreOptions): Promise<Restored> {
  const { manifest, files } = await readBundle(folder);
  const { text, face } = manifest;
  const modelOf = (name: string): Model => readModel(files[name]!, join(folder, name));
  const restored = {
    text: text && restoredText(modelOf(text.model), text),
    face: face && restoredFace(modelOf(face.model), face),
  };
  const write = (
    kind: LearnedRecord['kind'],
    { weights, config, settings }: Encoder,
    { model, labels, prior, temperature }: TextPart | FacePart,
    more: Pick<FinishedTraining, 'fine' | 'files'> = {},
  ): Promise<LearnedRecord> =>
    writeLearned(join(out, kind), {
      kind,
      labels,
      settings,
      config,
      calibration: { prior, temperature },
      located: { id: `mien/${manifest.name}`, revision: 'bundle', sha256: manifest.files[model]!.sha256 },
      terms: manifest.terms,
      items: { training: 0, validation: 0 },
      result: { weights, bestEpoch: 0, epochs: [] },
      ...more,
    });
  const ofText = text && defined({ fine: text.fine, files: { 'tokenizer.json': files[text.tokenizer]! } });
  return defined({
    text: restored.text && text && (await write('text', restored.text, text, ofText)),
    face: restored.face && face && (await write('face', restored.face, face)),
  });
}

interface Encoder {
  readonly weights: Tensors;
  /** `config.json`. */
  readonly config: object;
  readonly settings: LearnedRecord['settings'];
}

/** Head widths of published BERTs, the most frequent first. */
const HEAD_WIDTHS = [64, 32, 16, 8, 4, 2, 1];

function restoredText(model: Model, { labels, fine, maxTokens, width }: TextPart): Encoder {
  const stored = [...model.constants.values()];
  const precision: Precision = stored.some(({ dtype }) => dtype === 'int8') ? 'small' : 'float32';
  // In the order in which a text passes them: words, positions and, of a BERT, token types.
  const tables = stored.filter(({ dtype, shape: [, columns] }) => dtype !== 'int64' && columns === width);
  const [words, positions, types] = tables.map(({ shape }) => shape[0]!);
  const matrices = stored.slice(stored.indexOf(tables[2] ?? tables[0]!) + 1);
  const inner = Math.max(0, ...matrices.flatMap(({ shape }) => (shape.length === 2 ? shape : [])));
  const norms = model.nodes.filter(({ type }) => type === 'LayerNormalization');
  const epsilon = norms[0]?.attributes['epsilon'];
  for (const headWidth of HEAD_WIDTHS.filter((one) => width % one === 0)) {
    const json = {
      model_type: 'bert',
      vocab_size: words,
      max_position_embeddings: positions,
      type_vocab_size: types,
      hidden_size: width,
      num_hidden_layers: (norms.length - 1) / 2,
      num_attention_heads: width / headWidth,
      intermediate_size: inner,
      layer_norm_eps: typeof epsilon === 'number' ? Number(epsilon.toPrecision(6)) : undefined,
      hidden_act: 'gelu',
    };
    const config = configOf(json, model);
    const specs = [
      ...bertParameters(config),
      ...classifierSpecs(width, labels.length),
      ...(fine ? classifierSpecs(width, fine.length, FINE_CLASSIFIER) : []),
    ];
    const weights = matched(model, specs, (probe) =>
      learnedTextModel({ config, weights: probe, pooling: 'mean', labels, fine }, precision),
    );
    if (weights) return { weights, config: json, settings: { maxTokens } };
  }
  throw foreign(model);
}

function configOf(json: unknown, model: Model): BertConfig {
  try {
    return bertConfig(json, model.file);
  } catch (cause) {
    throw foreign(model, cause);
  }
}

const ARCHITECTURES = ['mobilefacenet', 'tf_efficientnetv2_b0', 'efficientnet_b0', 'efficientnet_b3'];

function restoredFace(model: Model, { labels, size, mirror = false, width }: FacePart): Encoder {
  const stored = [...model.constants.values()];
  const precision: Precision = stored.some(({ dtype }) => dtype === 'float16') ? 'small' : 'float32';
  // Pixels are multiplied by 1 / (255 · std), and −mean / std is added.
  const [scales, shifts] = stored.filter(({ shape }) => String(shape) === '3,1,1').map(numbersOf);
  if (!scales || !shifts) throw foreign(model);
  const std = Array.from(scales, (scale) => shortest(1 / (255 * scale), (value) => 1 / (255 * value), scale));
  const mean = Array.from(shifts, (shift, channel) =>
    shortest(-shift * std[channel]!, (value) => -value / std[channel]!, shift),
  );
  for (const architecture of ARCHITECTURES)
    for (const published of [true, false]) {
      const config = {
        architecture,
        num_classes: labels.length,
        num_features: width,
        pretrained_cfg: { input_size: [3, size, size], mean, std },
      };
      const { network, input } = faceConfig(config, 'published', model.file);
      if (network.width !== width) continue;
      const face: FaceInput = { ...input, mirror };
      const weights = matched(model, faceSpecs(network, labels.length, published), (probe) =>
        learnedFaceModel({ network, input: face, weights: probe, labels }, precision),
      );
      if (weights) return { weights, config, settings: { publishedLabels: published ? 1 : 0 } };
    }
  throw foreign(model);
}

const faceSpecs = (network: FaceNetwork, classes: number, published: boolean) => [
  ...faceNetworkParameters(network),
  ...classifierSpecs(network.width, classes, CLASSIFIER),
  ...(published ? classifierSpecs(network.width, classes, PUBLISHED_CLASSIFIER) : []),
];

/** `value` with as few digits as still give the stored float32. */
function shortest(value: number, stored: (value: number) => number, float: number): number {
  for (let digits = 1; digits < 17; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(stored(rounded)) === float) return rounded;
  }
  return value;
}

const foreign = (model: Model, cause?: unknown): MienError =>
  new MienError('bundle', 'is not a model that this version of mien writes from a learned encoder', {
    file: model.file,
    cause,
    hint: 'Encoders can be restored from bundles of `mien export` and of `mien train --learn`.',
  });

/** What each parameter of the probe is filled with: another number in the other probe, so that constants differ. */
const markOf = (parameter: number, probe: 0 | 1): number => 1 + parameter + 1024 * probe;

/**
 * The parameters in a model that `build` writes with weights of these names and shapes; undefined if the model differs
 * from what `build` writes in anything but weights.
 */
function matched(
  model: Model,
  specs: readonly Omit<ParameterSpec, 'init'>[],
  build: (weights: Tensors) => Uint8Array,
): Tensors | undefined {
  const [first, second] = ([0, 1] as const).map((probe) => {
    const marked = specs.map(({ name, shape }, i): [string, Tensor] => [
      name,
      float32(shape, new Float32Array(sizeOf(shape)).fill(markOf(i, probe))),
    ]);
    return readModel(build(Object.fromEntries(marked)), model.file);
  }) as [Model, Model];
  if (JSON.stringify(first.nodes) !== JSON.stringify(model.nodes)) return undefined;
  if (String([...first.constants.keys()]) !== String([...model.constants.keys()])) return undefined;
  const weights: Record<string, Tensor> = {};
  let whole: Tensor | undefined;
  for (const [name, marked] of first.constants) {
    const found = model.constants.get(name)!;
    if (found.dtype !== marked.dtype || String(found.shape) !== String(marked.shape)) return undefined;
    // The whole numbers of a matrix come right before their scales.
    if (marked.dtype === 'int8') {
      whole = found;
      continue;
    }
    const [a, b] = [numbersOf(marked)[0]!, numbersOf(second.constants.get(name)!)[0]!];
    if (a === b) {
      if (!sameNumbers(found, marked)) return undefined;
      continue;
    }
    // A scale is a mark divided by the largest whole number, so that the probes' difference gives the divisor.
    const divisor = (markOf(0, 1) - markOf(0, 0)) / (b - a);
    const { name: parameter, shape } = specs[Math.round(a * divisor) - 1]!;
    const scaled = whole !== undefined && Math.round(divisor) > 1;
    const data = scaled ? unscaled(whole!, found, shape) : Float32Array.from(numbersOf(found));
    weights[parameter] = float32(shape, data);
    if (scaled) whole = undefined;
  }
  return Object.keys(weights).length === specs.length ? weights : undefined;
}

const numbersOf = ({ dtype, data }: Tensor): ArrayLike<number> =>
  dtype === 'float16'
    ? float16ToFloat32(data as Uint16Array)
    : Array.from(data as ArrayLike<number | bigint>, Number);

function sameNumbers(a: Tensor, b: Tensor): boolean {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  return Array.from(left).every((value, i) => Object.is(value, right[i]));
}

/**
 * Whole numbers times their scales: a table has a scale per row; a linear layer's matrix is stored as `[in, out]` with a
 * scale per output, and is `[out, in]` as a parameter.
 */
function unscaled(whole: Tensor, scales: Tensor, shape: readonly number[]): Float32Array {
  const [values, factors] = [numbersOf(whole), numbersOf(scales)];
  const [rows, columns] = shape as [number, number];
  const isTable = scales.shape.length === 2;
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return values[isTable ? i : column * rows + row]! * factors[row]!;
  });
}
