// Checkpoints: a folder that holds the last state of a training, tensors and a record, replaced in one step.
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  encodeSafetensors,
  formatShape,
  MienError,
  readSafetensors,
  sameShape,
  type Tensors,
} from 'mien-engine';
import { fileError, sha256, writeFileAtomic } from 'mien-engine/node';

interface Checkpoint<Record> {
  readonly tensors: Tensors;
  /** Plain JSON. */
  readonly record: Record;
}

export interface Checkpoints<Record> {
  /**
   * The last checkpoint, or undefined if there is none. `expected` are tensors that it must have, of these shapes.
   * @throws MienError `checkpoint` if it belongs to another training (naming tensors that differ) or is damaged, `file`
   *   if it cannot be read.
   */
  read(expected?: Tensors): Promise<Checkpoint<Record> | undefined>;
  /** Replaces the checkpoint. `number` grows from one to the next; `log` becomes `log.jsonl`, one line per entry. */
  write(number: number, state: Checkpoint<Record>, log: readonly unknown[]): Promise<void>;
}

interface Manifest<Record> {
  readonly format: 'mien-checkpoint-2';
  readonly fingerprint: string;
  readonly tensors: { readonly file: string; readonly sha256: string };
  readonly record: Record;
}

const MANIFEST = 'checkpoint.json';
const STATE = /^state-\d+\.safetensors$/;

/**
 * Opens `folder`, making it as needed: `checkpoint.json`, the `.safetensors` file it names, and `log.jsonl`.
 * `fingerprint` identifies the training: a hash of its configuration and data.
 */
export async function openCheckpoints<Record>(
  folder: string,
  fingerprint: string,
): Promise<Checkpoints<Record>> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw fileError('write', folder, cause);
  });
  const manifestPath = join(folder, MANIFEST);

  const read: Checkpoints<Record>['read'] = async (expected) => {
    const text = await readFile(manifestPath, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return undefined;
      throw fileError('read', manifestPath, cause);
    });
    if (text === undefined) return undefined;
    const manifest = parseManifest<Record>(text, manifestPath);
    const file = join(folder, manifest.tensors.file);
    const isOther = manifest.fingerprint !== fingerprint;
    if (isOther && expected === undefined) throw otherRun(manifestPath, '');
    const bytes = await readFile(file).catch((cause: unknown) => {
      throw isOther ? otherRun(manifestPath, '') : fileError('read', file, cause);
    });
    if (isOther)
      throw otherRun(manifestPath, differences(readSafetensors(bytes, { file }).tensors, expected!));
    if (sha256(bytes) !== manifest.tensors.sha256) throw damaged(file, 'is not the file that was written');
    const { tensors } = readSafetensors(bytes, { file });
    const found = Object.fromEntries(
      Object.entries(tensors).filter(([name]) => expected && name in expected),
    );
    const difference = differences(found, expected ?? {});
    if (difference) throw otherRun(manifestPath, difference);
    return { tensors, record: manifest.record };
  };

  // Tensors first, under a name of their own; the manifest then makes them the checkpoint in one step.
  const write: Checkpoints<Record>['write'] = async (number, { tensors, record }, log) => {
    const bytes = Buffer.concat(encodeSafetensors(tensors));
    const name = `state-${String(number).padStart(6, '0')}.safetensors`;
    await writeFileAtomic(join(folder, name), bytes);
    const manifest: Manifest<Record> = {
      format: 'mien-checkpoint-2',
      fingerprint,
      tensors: { file: name, sha256: sha256(bytes) },
      record,
    };
    await writeFileAtomic(manifestPath, `${JSON.stringify(manifest, null, 1)}\n`);
    await writeFileAtomic(
      join(folder, 'log.jsonl'),
      log.map((entry) => `${JSON.stringify(entry)}\n`),
    );
    const older = (await readdir(folder)).filter((file) => STATE.test(file) && file !== name);
    await Promise.all(older.map((file) => rm(join(folder, file), { force: true })));
  };
  return { read, write };
}

function parseManifest<Record>(text: string, file: string): Manifest<Record> {
  try {
    const manifest = JSON.parse(text) as Manifest<Record>;
    if (manifest.format === 'mien-checkpoint-2' && typeof manifest.record === 'object') return manifest;
  } catch {
    // Reported below, as for other files that are no checkpoint.
  }
  throw damaged(file, 'is not a checkpoint of mien');
}

const damaged = (file: string, what: string): MienError =>
  new MienError('checkpoint', what, { file, hint: 'Remove the folder to start this training again.' });

const otherRun = (file: string, difference: string): MienError =>
  new MienError('checkpoint', `belongs to a training with another configuration or other data${difference}`, {
    file,
    hint: 'Choose another folder, or remove this one to start again.',
  });

/** How many tensors one message names. */
const LISTED = 3;

/** How the tensors of a checkpoint differ from those of the expected model; empty if they do not. */
function differences(found: Tensors, expected: Tensors): string {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(found)])].filter((name) => {
    const [a, b] = [found[name], expected[name]];
    return a === undefined || b === undefined || !sameShape(a.shape, b.shape);
  });
  if (names.length === 0) return '';
  const shape = (tensors: Tensors, name: string): string =>
    tensors[name] === undefined ? 'missing' : formatShape(tensors[name].shape);
  const listed = names
    .slice(0, LISTED)
    .map((name) => `${name} is ${shape(found, name)} there and ${shape(expected, name)} here`);
  const more = names.length > LISTED ? `; ${names.length - LISTED} more tensors differ` : '';
  return `, and to another model: ${listed.join('; ')}${more}`;
}
