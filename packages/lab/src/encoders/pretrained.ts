// Locates, identifies and reads pretrained encoders, in a folder specified by the user or on the hub.
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MienError, type Tensor } from 'mien-engine/base';
import { readJson, sha256File } from 'mien-engine/node';
import { hubFile } from './hub.js';
import type { HubOptions } from './hub.js';
import type { PretrainedSpec } from './profiles.js';
import { type CheckpointLayout, readWeights } from './weights.js';

export interface PretrainedOptions extends HubOptions {
  /** Folder with one subfolder per model, `name` or `org/name`; used instead of the hub. */
  weights?: string | undefined;
}

/** Located weights; `path` returns the path of a file, fetching it if necessary. */
export interface Pretrained {
  readonly id: string;
  /** Commit on the hub; `local` for a folder whose weights are not those of the pinned commit. */
  readonly revision: string;
  /** SHA-256 of `model.safetensors`. */
  readonly sha256: string;
  path(file: string): Promise<string>;
}

export const WEIGHTS_FILE = 'model.safetensors';

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The first candidate folder that contains weights. */
async function findFolder(spec: PretrainedSpec, weights: string | undefined): Promise<string | undefined> {
  const candidates =
    spec.folder !== undefined
      ? [spec.folder]
      : weights !== undefined
        ? [join(weights, basename(spec.id)), join(weights, ...spec.id.split('/'))]
        : [];
  const [first] = candidates;
  if (first === undefined) return undefined;
  for (const folder of candidates) if (await exists(join(folder, WEIGHTS_FILE))) return folder;
  throw new MienError('weights', `no ${WEIGHTS_FILE} of ${spec.id}`, {
    file: first,
    hint: 'Put config.json, model.safetensors and, for a text encoder, tokenizer.json there.',
  });
}

/**
 * Locates the weights of an encoder: `spec.folder`, else a subfolder of `options.weights`, else the hub or its cache.
 * @throws MienError `weights` if a folder lacks them, and errors of `hubFile`
 */
async function locatePretrained(spec: PretrainedSpec, options: PretrainedOptions = {}): Promise<Pretrained> {
  const { weights, ...hub } = options;
  const folder = await findFolder(spec, weights);
  if (folder === undefined) {
    const found = await hubFile({ ...spec, path: WEIGHTS_FILE }, hub);
    const { revision } = found;
    return {
      id: spec.id,
      revision,
      sha256: found.sha256 ?? (await sha256File(found.path)),
      // All files are of one commit: a branch may have changed since the first was cached.
      path: async (file) => (await hubFile({ id: spec.id, revision, path: file }, hub)).path,
    };
  }
  const sha256 = await sha256File(join(folder, WEIGHTS_FILE));
  return {
    id: spec.id,
    revision: sha256 === spec.sha256 ? spec.revision : 'local',
    sha256,
    path: async (file) => {
      const path = join(folder, file);
      if (!(await exists(path))) throw new MienError('weights', `${spec.id} needs this file`, { file: path });
      return path;
    },
  };
}

/** A published encoder; its weights are read on request. */
export interface PretrainedEncoder<Config> {
  readonly located: Pretrained;
  /** `config.json`, parsed. */
  readonly json: unknown;
  readonly config: Config;
  weights(): Promise<Record<string, Tensor<'float32'>>>;
}

/**
 * Reads what all encoders have: `config.json`, as its definition understands it, and weights.
 * @throws MienError `weights`, `format`, `file` or `offline` if files are missing, of another model or damaged
 */
export async function readPretrained<Config>(
  spec: PretrainedSpec,
  options: PretrainedOptions,
  configOf: (json: unknown, file: string) => Config,
  layoutOf: (config: Config) => CheckpointLayout,
): Promise<PretrainedEncoder<Config>> {
  const located = await locatePretrained(spec, options);
  const file = await located.path('config.json');
  const json = await readJson(file);
  const config = configOf(json, file);
  const weights = async () => readWeights(await located.path(WEIGHTS_FILE), layoutOf(config));
  return { located, json, config, weights };
}
