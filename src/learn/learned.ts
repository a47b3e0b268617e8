// What a learned encoder leaves behind: a folder that loads like published weights, and a record of how it was made.
import { join } from 'node:path';
import { sha256, writeFileAtomic } from '../base/files.js';
import { encodeSafetensors } from '../base/safetensors.js';
import { WEIGHTS_FILE, type Pretrained } from '../encoders/pretrained.js';
import type { LearnedWeights } from './loop.js';

/** `learned.json` */
export interface LearnedRecord {
  readonly format: 'mien-learned-1';
  readonly kind: 'face' | 'text';
  readonly labels: readonly string[];
  readonly settings: unknown;
  /** The weights that training began with. */
  readonly from: { readonly id: string; readonly revision: string; readonly sha256: string };
  /** SHA-256 of `encoder/model.safetensors`. */
  readonly sha256: string;
  readonly items: { readonly training: number; readonly validation: number };
  readonly bestEpoch: number;
  readonly epochs: LearnedWeights['epochs'];
}

export interface Learned {
  readonly kind: LearnedRecord['kind'];
  readonly labels: readonly string[];
  readonly settings: unknown;
  readonly located: Pretrained;
  readonly items: LearnedRecord['items'];
  readonly result: LearnedWeights;
  /** `config.json` of the encoder. */
  readonly config: unknown;
  /** Further files of the encoder, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Writes `encoder/` and `learned.json` into `out`; the record last, so that it stands for all. */
export async function writeLearned(
  out: string,
  { kind, labels, settings, located, items, result, config, files = {} }: Learned,
): Promise<LearnedRecord> {
  const bytes = Buffer.concat(encodeSafetensors(result.weights));
  const folder = join(out, 'encoder');
  await writeFileAtomic(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  for (const [name, content] of Object.entries(files)) await writeFileAtomic(join(folder, name), content);
  await writeFileAtomic(join(folder, WEIGHTS_FILE), bytes);
  const { id, revision, sha256: hash } = located;
  const record: LearnedRecord = {
    format: 'mien-learned-1',
    ...{ kind, labels, settings },
    from: { id, revision, sha256: hash },
    sha256: sha256(bytes),
    ...{ items, bestEpoch: result.bestEpoch, epochs: result.epochs },
  };
  await writeFileAtomic(join(out, 'learned.json'), `${JSON.stringify(record, null, 2)}\n`);
  return record;
}
