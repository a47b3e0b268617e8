// The mean of several trained encoders' weights as an encoder: often better than each, at the cost of one.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeSafetensors, float32, MienError, type Tensors } from 'mien-engine/base';
import { sha256, writeFileAtomic } from 'mien-engine/node';
import { WEIGHTS_FILE } from '../encoders/pretrained.js';
import {
  kindOfLearned,
  readLearnedFace,
  readLearnedText,
  readLearnedVoice,
  type LearnedRecord,
} from './learned.js';

export interface AverageOptions {
  /** Folders that `mien learn` finished: encoders of one kind, architecture and set of labels. */
  readonly folders: readonly string[];
  readonly out: string;
  /** Side in pixels at which the mean is to read faces; by default that of the last folder. */
  readonly size?: number | undefined;
}

/**
 * Writes the mean of finished encoders to a folder like theirs; its record names them and is otherwise that of the
 * last. The trainings must have started from the same weights: means of other encoders are useless. Source: Wortsman et
 * al. 2022, "Model soups".
 * @throws MienError `usage` for fewer than two folders, `weights` if encoders differ in kind, labels or tensors (which
 *   it names), and what reading them throws.
 */
export async function averageLearned({ folders, out, size }: AverageOptions): Promise<LearnedRecord> {
  if (folders.length < 2) throw new MienError('usage', 'a mean needs at least two finished trainings');
  const last = folders.at(-1)!;
  const kind = await kindOfLearned(last);
  if (size !== undefined && kind !== 'face') throw new MienError('usage', `${kind}s have no size in pixels`);
  const read = { text: readLearnedText, face: readLearnedFace, voice: readLearnedVoice }[kind];
  const learned = [];
  for (const folder of folders) learned.push(await read(folder));
  const { record } = learned.at(-1)!;
  for (const [i, one] of learned.entries()) {
    if (String(one.labels) !== String(record.labels))
      throw new MienError('weights', `has other labels than ${last}`, { file: folders[i]! });
    checkTensors(one.weights, learned.at(-1)!.weights, folders[i]!, last);
  }
  const weights = meanOf(learned.map((one) => one.weights));
  const bytes = Buffer.concat(encodeSafetensors(weights));
  const encoder = join(last, 'encoder');
  for (const name of await readdir(encoder)) {
    if (name === WEIGHTS_FILE) continue;
    const content = await readFile(join(encoder, name));
    const resized = name === 'config.json' && size !== undefined ? withSize(content, size) : content;
    await writeFileAtomic(join(out, 'encoder', name), resized);
  }
  await writeFileAtomic(join(out, 'encoder', WEIGHTS_FILE), bytes);
  const made: LearnedRecord = {
    ...record,
    averageOf: learned.map((one) => one.record.sha256),
    sha256: sha256(bytes),
  };
  await writeFileAtomic(join(out, 'learned.json'), `${JSON.stringify(made, null, 2)}\n`);
  return made;
}

function withSize(config: Buffer, size: number): string {
  const { pretrained_cfg: published, ...rest } = JSON.parse(config.toString('utf8')) as {
    pretrained_cfg: object;
  };
  return `${JSON.stringify({ ...rest, pretrained_cfg: { ...published, input_size: [3, size, size] } }, null, 2)}\n`;
}

function checkTensors(a: Tensors, b: Tensors, file: string, other: string): void {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  const differing = [...names].filter((name) => String(a[name]?.shape) !== String(b[name]?.shape));
  if (differing.length > 0)
    throw new MienError('weights', `differs from ${other} in ${differing.slice(0, 3).join(', ')}`, {
      file,
      hint: 'Only encoders of one architecture have a mean.',
    });
}

function meanOf(all: readonly Tensors[]): Tensors {
  return Object.fromEntries(
    Object.entries(all[0]!).map(([name, { shape, data }]) => {
      const sum = new Float64Array(data.length);
      for (const one of all) {
        const values = one[name]!.data as Float32Array;
        for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!;
      }
      return [name, float32(shape, new Float32Array(sum.map((value) => value / all.length)))];
    }),
  );
}
