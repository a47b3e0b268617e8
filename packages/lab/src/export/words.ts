// The files with which a bundle transcribes: Whisper's encoder and decoder as ONNX, and the vocabulary.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  constantParameters,
  createGraph,
  defined,
  encodeModel,
  type Graph,
  input,
  type Parameters,
  quantizedColumns,
  type QuantizedConstant,
  quantizedConstant,
  quantizedProduct,
  quantizeWeight,
  type Tensor,
  type Tensors,
} from 'mien-engine';
import { readJson, readText, sha256, writeFileAtomic } from 'mien-engine/node';
import { type BundleManifest, checkManifest, FILES, MANIFEST_NAME } from 'mien/parts/bundle';
import { WORDS_FILES } from 'mien/parts/words';
import { quantizedLinears } from '../encoders/bert.js';
import type { PretrainedWords } from '../encoders/load-words.js';
import { logMel } from '../encoders/log-mel.js';
import { whisper } from '../encoders/whisper.js';
import { type Attended, crossAttended, TOKEN_TABLE, whisperDecoder } from '../encoders/whisper-decoder.js';
import { halfParameters, type Precision } from './models.js';

/**
 * Linear layers compute in integers, with and without bias, as does the decoder's table, which both embeds tokens and
 * gives their logits. Other large tensors, except kernels, are stored as float16.
 */
function integerParameters(graph: Graph, tensors: Tensors): Parameters {
  const float = (name: string): Tensor<'float32'> => tensors[name] as Tensor<'float32'>;
  let tied: QuantizedConstant | undefined;
  const table = (): QuantizedConstant =>
    (tied ??= quantizedConstant(graph, quantizeWeight(float(`${TOKEN_TABLE}.weight`))));
  const linears = quantizedLinears(graph, tensors);
  const [half, plain] = [halfParameters(graph, tensors), constantParameters(graph, tensors)];
  return {
    ...half,
    // Kernels stay float32: as float16 they would save 1 MB of 41.
    get: (name, shape, init) => (name.startsWith('conv') ? plain : half).get(name, shape, init),
    linear(name, x) {
      if (name === TOKEN_TABLE) return quantizedProduct(x, table());
      return linears(name, x);
    },
    rows: (name, indices) =>
      name === `${TOKEN_TABLE}.weight` ? quantizedColumns(table(), indices) : undefined,
  };
}

/** Terms of the weights. */
const TERMS = 'Whisper tiny.en (OpenAI), which transcribes: MIT';

const parametersOf = (graph: Graph, tensors: Tensors, precision: Precision): Parameters =>
  precision === 'small' ? integerParameters(graph, tensors) : constantParameters(graph, tensors);

const named = (kind: string, attended: readonly Attended[]) =>
  Object.fromEntries(
    attended.flatMap(({ keys, values }, i) => [
      [`${kind}.${i}.keys`, keys],
      [`${kind}.${i}.values`, values],
    ]),
  );

/**
 * From `samples` `[1, samples]` at 16 kHz, up to a window's, to what the decoder's cross-attentions read: `cross.0.keys`
 * `[1, heads, size, steps]`, `cross.0.values` `[1, heads, steps, size]` and so on.
 */
function wordsEncoder({ encoder, decoder }: PretrainedWords, precision: Precision): Uint8Array {
  const graph = createGraph('words-encoder');
  const samples = input(graph, 'samples', 'float32', [1, 'samples']);
  const mel = logMel(samples, encoder.config.bands);
  const { last } = whisper(parametersOf(graph, encoder.weights, precision), encoder.config, mel);
  const p = parametersOf(graph, decoder.weights, precision);
  return encodeModel(graph, named('cross', crossAttended(p, decoder.config, last)));
}

/**
 * From `ids` `[1, tokens]` and `places` `[tokens]`, int32, the encoder's `cross.…` and `past.0.keys` `[1, heads, size,
 * past]`, `past.0.values` `[1, heads, past, size]` and so on to `logits` `[tokens, vocabulary]` and `present.…`, the past
 * of the next run.
 */
function wordsDecoder({ decoder }: PretrainedWords, precision: Precision): Uint8Array {
  const { config, weights } = decoder;
  const graph = createGraph('words-decoder');
  const ids = input(graph, 'ids', 'int32', [1, 'tokens']);
  const places = input(graph, 'places', 'int32', ['tokens']);
  const size = config.width / config.heads;
  const inputs = (kind: string, time: string): Attended[] =>
    Array.from({ length: config.layers }, (_, i) => ({
      keys: input(graph, `${kind}.${i}.keys`, 'float32', [1, config.heads, size, time]),
      values: input(graph, `${kind}.${i}.values`, 'float32', [1, config.heads, time, size]),
    }));
  const cross = inputs('cross', 'steps');
  const past = inputs('past', 'past');
  const p = parametersOf(graph, weights, precision);
  const { logits, present } = whisperDecoder(p, config, { ids, places, past, cross });
  return encodeModel(graph, { logits, ...named('present', present) });
}

/** Heading of the card's section about words. */
const HEADING = '## Words';

const section = (files: BundleManifest['files'], names: readonly string[]): string => {
  const bytes = names.reduce((sum, name) => sum + files[name]!.bytes, 0);
  return [
    HEADING,
    `${names.map((name) => `\`${name}\``).join(', ')} (${(bytes / 1e6).toFixed(1)} MB) transcribe English speech where \`transcribe\` asks for it: the encoder and decoder of Whisper tiny.en (Radford et al. 2023; MIT), most layers in integers. They are read at the first recording and may be deleted.`,
    '',
  ].join('\n\n');
};

/**
 * Adds the files to a bundle, or replaces them; its manifest is written last, so that a run that was interrupted can be
 * repeated. The card states their size.
 * @throws MienError `file` or `bundle` if the folder has no bundle or cannot be written
 */
export async function addWords(
  folder: string,
  pretrained: PretrainedWords,
  options: { readonly precision?: Precision } = {},
): Promise<BundleManifest> {
  const path = join(folder, MANIFEST_NAME);
  const manifest = checkManifest(await readJson(path), path);
  const added = wordsFiles(pretrained, defined(options).precision);
  const describe = (content: string | Uint8Array) => ({
    sha256: sha256(content),
    bytes: Buffer.byteLength(content),
  });
  const files = {
    ...manifest.files,
    ...Object.fromEntries(Object.entries(added).map(([name, content]) => [name, describe(content)])),
  };
  for (const [name, content] of Object.entries(added)) await writeFileAtomic(join(folder, name), content);
  if (FILES.card in files) {
    const card = join(folder, FILES.card);
    const [before] = (await readText(card)).split(`${HEADING}\n\n\`words`);
    const content = `${before!.trimEnd()}\n\n${section(files, Object.keys(added))}`;
    await writeFileAtomic(card, content);
    files[FILES.card] = describe(content);
  }
  const whole: BundleManifest = {
    ...manifest,
    words: WORDS_FILES,
    terms: [...manifest.terms.filter((terms) => terms !== TERMS), TERMS],
    files,
  };
  await writeFileAtomic(path, `${JSON.stringify(whole, null, 2)}\n`);
  return whole;
}

/** The files by name, in memory. */
export const wordsFiles = (
  pretrained: PretrainedWords,
  precision: Precision = 'small',
): Record<string, Uint8Array> => ({
  [WORDS_FILES.encoder]: wordsEncoder(pretrained, precision),
  [WORDS_FILES.decoder]: wordsDecoder(pretrained, precision),
  [WORDS_FILES.vocabulary]: new TextEncoder().encode(JSON.stringify(pretrained.vocabulary)),
});

/**
 * Writes the files into a folder, which is made if necessary; returns their sizes in bytes by name.
 * @throws MienError `file` if a file cannot be written
 */
export async function writeWords(
  folder: string,
  pretrained: PretrainedWords,
  options: { readonly precision?: Precision } = {},
): Promise<Record<string, number>> {
  await mkdir(folder, { recursive: true });
  const { precision } = defined(options);
  const sizes: Record<string, number> = {};
  for (const [name, bytes] of Object.entries(wordsFiles(pretrained, precision))) {
    await writeFileAtomic(join(folder, name), bytes);
    sizes[name] = bytes.length;
  }
  return sizes;
}
