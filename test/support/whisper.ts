// Whispers for tests: a small configuration, and where to find the published weights and PyTorch's outputs for them,
// neither of which is part of mien.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensorsFile } from 'mien-engine/node';
import type { Tensor } from 'mien-engine/base';

const first = (paths: readonly string[]): string | undefined => paths.find((path) => existsSync(path));

const folders = [process.env['MIEN_WHISPER'], process.env['MIEN_WEIGHTS']].filter(
  (path) => path !== undefined,
);

/** Folder of `openai/whisper-tiny.en` as on the hub; `MIEN_WHISPER`, or `whisper-tiny.en` in `MIEN_WEIGHTS`. */
export const whisperFolder = first(
  folders.flatMap((path) =>
    [path, join(path, 'whisper-tiny.en')].map((folder) => join(folder, 'model.safetensors')),
  ),
)?.replace(/[\\/]model\.safetensors$/, '');

/** PyTorch's outputs for a clip of RAVDESS, beside the weights: its terms keep it out of the repository. */
const goldenFile = first(
  folders.flatMap((path) =>
    [path, join(path, '..'), join(path, '../golden')].map((folder) =>
      join(folder, 'whisper-tiny.en.safetensors'),
    ),
  ),
);

/** Whether both are there. */
export const hasWhisper = whisperFolder !== undefined && goldenFile !== undefined;

/** The float32 tensors of the outputs. */
export async function readWhisperGolden(): Promise<Record<string, Tensor<'float32'>>> {
  const { tensors } = await readSafetensorsFile(goldenFile!);
  return tensors as Record<string, Tensor<'float32'>>;
}

/** config.json of a Whisper that is small enough for any test. */
export const smallWhisper = {
  model_type: 'whisper',
  num_mel_bins: 80,
  d_model: 24,
  encoder_layers: 2,
  encoder_attention_heads: 3,
  encoder_ffn_dim: 40,
  max_source_positions: 50,
  activation_function: 'gelu',
};
