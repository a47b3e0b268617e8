// Reads a published Whisper whole: encoder, decoder, and what its tokens are.
import { collectParameters, input, MienError, type Tensors } from 'mien-engine';
import { readJson } from 'mien-engine/node';
import { checkData } from 'mien/parts/base';
import { wordsSchema, type WordsVocabulary } from 'mien/parts/words';
import { z } from 'zod';
import { readPretrainedVoice } from './load-voice.js';
import { HOP, SAMPLE_RATE } from './log-mel.js';
import { type PretrainedOptions, WEIGHTS_FILE } from './pretrained.js';
import type { PretrainedSpec } from './profiles.js';
import { readWeights } from './weights.js';
import type { WhisperConfig } from './whisper.js';
import {
  crossAttended,
  whisperDecoder,
  whisperDecoderConfig,
  type WhisperDecoderConfig,
} from './whisper-decoder.js';

const id = z.int().min(0);
const generationSchema = z.object({
  is_multilingual: z.literal(false).default(false),
  decoder_start_token_id: id,
  eos_token_id: id,
  no_timestamps_token_id: id,
  suppress_tokens: z.array(id),
  begin_suppress_tokens: z.array(id),
  max_initial_timestamp_index: id.default(50),
});
const vocabularySchema = z.record(z.string(), id);

/** Names of the token whose probability says that nobody speaks. */
const NO_SPEECH = ['<|nospeech|>', '<|nocaptions|>'];

export interface PretrainedWords {
  readonly encoder: { readonly config: WhisperConfig; readonly weights: Tensors };
  readonly decoder: { readonly config: WhisperDecoderConfig; readonly weights: Tensors };
  readonly vocabulary: WordsVocabulary;
}

/** Names and shapes of a decoder's parameters. */
export const whisperDecoderParameters = (config: WhisperDecoderConfig) =>
  collectParameters((p) => {
    const cross = crossAttended(p, config, input(p.graph, 'states', 'float32', [1, 1, config.width]));
    const ids = input(p.graph, 'ids', 'int32', [1, 1]);
    whisperDecoder(p, config, { ids, places: input(p.graph, 'places', 'int32', [1]), cross });
  });

const readChecked = async <T extends z.ZodType>(file: string, schema: T): Promise<z.output<T>> =>
  checkData(schema, await readJson(file), {
    code: 'weights',
    file,
    hint: 'Speech is transcribed by English-only Whispers, such as openai/whisper-tiny.en.',
  });

/**
 * Reads an English-only Whisper from a folder or the hub: `config.json`, `generation_config.json`, `vocab.json`,
 * `added_tokens.json` and `model.safetensors`.
 * @throws MienError `weights`, `format`, `file` or `offline` when files are missing, foreign or damaged
 */
export async function readPretrainedWords(
  spec: PretrainedSpec,
  options: PretrainedOptions = {},
): Promise<PretrainedWords> {
  const { located, json, config, weights } = await readPretrainedVoice(spec, options);
  const decoder = whisperDecoderConfig(json, await located.path('config.json'));
  const generation = await readChecked(await located.path('generation_config.json'), generationSchema);
  const added = await readChecked(await located.path('added_tokens.json'), vocabularySchema);
  const ids = await readChecked(await located.path('vocab.json'), vocabularySchema);
  const noSpeech = NO_SPEECH.map((name) => added[name]).find((token) => token !== undefined);
  const tokens = Object.entries(ids)
    .filter(([, token]) => token < generation.eos_token_id)
    .sort(([, a], [, b]) => a - b);
  if (noSpeech === undefined || tokens.some(([, token], i) => token !== i))
    throw new MienError('weights', 'the vocabulary has gaps, or no token for silence', {
      file: await located.path('vocab.json'),
    });
  return {
    encoder: { config, weights: await weights() },
    decoder: {
      config: decoder,
      weights: await readWeights(await located.path(WEIGHTS_FILE), {
        specs: whisperDecoderParameters(decoder),
        prefixes: ['model.decoder.', 'decoder.'],
      }),
    },
    vocabulary: wordsSchema.parse({
      format: 'mien-words-1',
      layers: decoder.layers,
      heads: decoder.heads,
      headWidth: decoder.width / decoder.heads,
      positions: decoder.positions,
      window: (config.positions * 2 * HOP) / SAMPLE_RATE,
      start: generation.decoder_start_token_id,
      end: generation.eos_token_id,
      noSpeech,
      noTimestamps: generation.no_timestamps_token_id,
      firstTimestamp: generation.no_timestamps_token_id + 1,
      latestStart: generation.max_initial_timestamp_index,
      suppressed: generation.suppress_tokens,
      suppressedFirst: generation.begin_suppress_tokens,
      vocabulary: tokens.map(([token]) => token),
    }),
  };
}
