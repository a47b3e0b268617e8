// What a learned encoder leaves behind: a folder that loads like published weights, and a record of how it was made.
import { join } from 'node:path';
import { sha256, writeFileAtomic } from 'mien-engine/node';
import { defined, encodeSafetensors } from 'mien-engine/base';
import { type Pretrained, WEIGHTS_FILE } from '../encoders/pretrained.js';
import type { Trained } from '../train/loop.js';
import type { LearnedRecord } from './record.js';

export interface Learned {
  readonly kind: LearnedRecord['kind'];
  readonly labels: readonly string[];
  readonly settings: object;
  /** Labels of a second classifier. */
  readonly fine?: readonly string[];
  readonly calibration?: LearnedRecord['calibration'];
  /** Of a text encoder. */
  readonly pooling?: LearnedRecord['pooling'];
  readonly located: Pretrained;
  readonly items: LearnedRecord['items'];
  readonly result: Trained;
  /** `config.json` of the encoder. */
  readonly config: unknown;
  /** Further files of the encoder, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Writes `encoder/` and `learned.json` into `out`; the record last, so that it stands for all. */
export async function writeLearned(
  out: string,
  {
    kind,
    labels,
    settings,
    fine,
    calibration,
    pooling = 'mean',
    located,
    items,
    result,
    config,
    files = {},
  }: Learned,
): Promise<LearnedRecord> {
  const bytes = Buffer.concat(encodeSafetensors(result.weights));
  const folder = join(out, 'encoder');
  await writeFileAtomic(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  for (const [name, content] of Object.entries(files)) await writeFileAtomic(join(folder, name), content);
  await writeFileAtomic(join(folder, WEIGHTS_FILE), bytes);
  const { id, revision, sha256: hash } = located;
  const record: LearnedRecord = {
    format: 'mien-learned-1',
    kind,
    labels: [...labels],
    settings: { ...settings },
    pooling,
    ...(fine ? { fine: [...fine] } : {}),
    ...defined({ calibration }),
    from: { id, revision, sha256: hash },
    sha256: sha256(bytes),
    items,
    bestEpoch: result.bestEpoch,
    epochs: [...result.epochs],
  };
  await writeFileAtomic(join(out, 'learned.json'), `${JSON.stringify(record, null, 2)}\n`);
  return record;
}
