// `mien learn`, on made-up data and encoders of the published forms.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { sha256File } from 'mien-engine/node';
import { TEXT_LABELS } from 'mien/parts/data';
import { writeDataSets } from './data-sets.js';
import { runMien, startMien, type Ended } from './mien.js';
import {
  bertFiles,
  bertTinyConfig,
  efficientNetB3Config,
  efficientNetFiles,
  writeFiles,
} from './pretrained.js';

export const text = { id: 'made/up-text', pooling: 'mean', maxTokens: 32 } as const;
export const face = { id: 'made/up-face', imageSize: 'published' } as const;

/** Settings of a text training of a few steps. */
export const brief = ['epochs=3', 'batchSize=8', 'stepsPerRun=2', 'checkpointSeconds=0', 'tokenDropout=0.1'];

/** Hash of the encoder that a run left. */
export const weightsOf = (out: string): Promise<string> =>
  sha256File(join(out, 'encoder', 'model.safetensors'));

interface LearnOptions {
  /** Milliseconds after the first checkpoint at which the process is killed. */
  readonly killAfter?: number;
  readonly dryRun?: boolean;
  readonly teachers?: readonly string[];
}

/** A folder with data, weights and a profile to learn from. */
export interface LearnFolder {
  readonly root: string;
  learn(kind: string, out: string, set: readonly string[], options?: LearnOptions): Promise<Ended>;
  remove(): Promise<void>;
}

/** `vocabulary` is how many words the text encoder's table has; a checkpoint is as large as that. */
export async function learnFolder({ vocabulary = 128 } = {}): Promise<LearnFolder> {
  const root = await mkdtemp(join(tmpdir(), 'mien-learn-cli-'));
  const [data, weights, profile] = ['data', 'weights', 'profile.json'].map((name) => join(root, name));
  await writeDataSets(data!, 8);
  const words = ['i', 'remember', 'day', 'of', 'very', 'well', ...TEXT_LABELS];
  await writeFiles(
    join(weights!, 'up-text'),
    bertFiles({ ...bertTinyConfig, vocab_size: vocabulary }, words),
  );
  const network = { ...efficientNetB3Config, architecture: 'tf_efficientnetv2_b0', num_features: 1280 };
  await writeFiles(join(weights!, 'up-face'), efficientNetFiles(network));
  await writeFiles(root, { 'profile.json': Buffer.from(JSON.stringify({ text, face })) });
  return {
    root,
    learn: async (kind, out, set, { killAfter, dryRun = false, teachers = [] } = {}) => {
      const args = [
        'learn',
        kind,
        '--data',
        data!,
        '--weights',
        weights!,
        '--profile',
        profile!,
        '--out',
        out,
        '--features',
        join(root, 'features'),
        '--json',
        '--threads',
        '1',
        ...(dryRun ? ['--dry-run'] : []),
        ...teachers.flatMap((folder) => ['--teacher', folder]),
        ...set.flatMap((assignment) => ['--set', assignment]),
      ];
      if (killAfter === undefined) return runMien(args);
      const { child, ended } = startMien(args);
      while (!existsSync(join(out, 'checkpoint.json')) && child.exitCode === null) await setTimeout(5);
      await setTimeout(killAfter);
      child.kill('SIGKILL');
      return ended;
    },
    remove: () => rm(root, { recursive: true }),
  };
}
