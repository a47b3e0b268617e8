// Checkpoints: everything a run carries from epoch to epoch, so that resuming gives the same bytes as not stopping.
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MienError } from '../base/errors.js';
import { fileError, sha256, writeFileAtomic } from '../base/files.js';
import { encodeSafetensors, readSafetensors } from '../base/safetensors.js';
import type { Tensors } from '../base/tensor.js';
import type { EpochRecord, RunState } from './run-state.js';

/** A run's folder: `checkpoint.json`, the `.safetensors` file it names, and `log.jsonl`. */
export interface CheckpointFolder {
  /**
   * The state of the last checkpoint, or undefined where there is none.
   * @throws MienError `checkpoint` when it belongs to another run, or its tensors are damaged or missing.
   */
  read(): Promise<RunState | undefined>;
  write(run: RunState): Promise<void>;
  /** Writes the last state, and the parameters to keep as `head.safetensors`. */
  finish(run: RunState): Promise<void>;
}

interface Manifest {
  readonly format: 'mien-checkpoint-1';
  readonly fingerprint: string;
  readonly tensors: { readonly file: string; readonly sha256: string };
  readonly bestEpoch: number;
  readonly history: readonly EpochRecord[];
}

const MANIFEST = 'checkpoint.json';

/** `fingerprint` is what tells this run from others: a hash over its configuration and data. */
export async function openCheckpoint(folder: string, fingerprint: string): Promise<CheckpointFolder> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw fileError('write', folder, cause);
  });
  const manifestPath = join(folder, MANIFEST);

  const read = async (): Promise<RunState | undefined> => {
    const text = await readFile(manifestPath, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return undefined;
      throw fileError('read', manifestPath, cause);
    });
    if (text === undefined) return undefined;
    const manifest = parseManifest(text, manifestPath);
    if (manifest.fingerprint !== fingerprint)
      throw new MienError('checkpoint', 'belongs to a run with another configuration or other data', {
        file: manifestPath,
        hint: 'Choose another folder, or remove this one to start anew.',
      });
    const file = join(folder, manifest.tensors.file);
    const bytes = await readFile(file).catch((cause: unknown) => {
      throw fileError('read', file, cause);
    });
    if (sha256(bytes) !== manifest.tensors.sha256) throw damaged(file, 'is not the file that was written');
    const { tensors } = readSafetensors(bytes, { file });
    return {
      training: withPrefix(tensors, 'training '),
      best: withPrefix(tensors, 'best '),
      bestEpoch: manifest.bestEpoch,
      history: manifest.history,
    };
  };

  // Tensors first, under a name of their own; the manifest then makes them the checkpoint in one step.
  const write = async (run: RunState): Promise<void> => {
    const bytes = Buffer.concat(
      encodeSafetensors({ ...prefixed(run.training, 'training '), ...prefixed(run.best, 'best ') }),
    );
    const name = `epoch-${String(run.history.length).padStart(4, '0')}.safetensors`;
    await writeFileAtomic(join(folder, name), bytes);
    const manifest: Manifest = {
      format: 'mien-checkpoint-1',
      fingerprint,
      tensors: { file: name, sha256: sha256(bytes) },
      bestEpoch: run.bestEpoch,
      history: run.history,
    };
    await writeFileAtomic(manifestPath, `${JSON.stringify(manifest, null, 1)}\n`);
    await writeFileAtomic(
      join(folder, 'log.jsonl'),
      run.history.map((record) => `${JSON.stringify(record)}\n`),
    );
    const older = (await readdir(folder)).filter(
      (file) => /^epoch-\d+\.safetensors$/.test(file) && file !== name,
    );
    await Promise.all(older.map((file) => rm(join(folder, file), { force: true })));
  };

  const finish = async (run: RunState): Promise<void> => {
    await write(run);
    await writeFileAtomic(join(folder, 'head.safetensors'), encodeSafetensors(run.best));
  };
  return { read, write, finish };
}

function parseManifest(text: string, file: string): Manifest {
  try {
    const manifest = JSON.parse(text) as Manifest;
    if (manifest.format === 'mien-checkpoint-1' && Array.isArray(manifest.history)) return manifest;
  } catch {
    // Said below, whichever way it is unreadable.
  }
  throw damaged(file, 'is not a checkpoint of mien');
}

const damaged = (file: string, what: string): MienError =>
  new MienError('checkpoint', what, { file, hint: 'Remove the folder to start this run anew.' });

const prefixed = (tensors: Tensors, prefix: string): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, value]) => [prefix + name, value]));

const withPrefix = (tensors: Tensors, prefix: string): Tensors =>
  Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
