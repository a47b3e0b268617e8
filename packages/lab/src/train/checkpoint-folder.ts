// A folder that holds the last state of a run: tensors and what describes them, replaced in one step.
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

interface StoredState<Record> {
  readonly tensors: Tensors;
  /** Plain JSON: epochs done, best so far, history. */
  readonly record: Record;
}

export interface CheckpointFolder<Record> {
  /**
   * The last state, or undefined where there is none. `expected` are tensors of the same names and shapes, to say
   * what differs when a checkpoint is another model's.
   * @throws MienError `checkpoint` when it belongs to another run, or its tensors are damaged or missing.
   */
  read(expected?: Tensors): Promise<StoredState<Record> | undefined>;
  /** Replaces the state. `number` grows from one to the next; `log` becomes `log.jsonl`, one line an entry. */
  write(number: number, state: StoredState<Record>, log: readonly unknown[]): Promise<void>;
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
 * `fingerprint` is what tells this run from others: a hash over its configuration and data.
 */
export async function openCheckpointFolder<Record>(
  folder: string,
  fingerprint: string,
): Promise<CheckpointFolder<Record>> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw fileError('write', folder, cause);
  });
  const manifestPath = join(folder, MANIFEST);

  const read: CheckpointFolder<Record>['read'] = async (expected) => {
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
    return { tensors: readSafetensors(bytes, { file }).tensors, record: manifest.record };
  };

  // Tensors first, under a name of their own; the manifest then makes them the checkpoint in one step.
  const write: CheckpointFolder<Record>['write'] = async (number, { tensors, record }, log) => {
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
    // Said below, whichever way it is unreadable.
  }
  throw damaged(file, 'is not a checkpoint of mien');
}

const damaged = (file: string, what: string): MienError =>
  new MienError('checkpoint', what, { file, hint: 'Remove the folder to start this run anew.' });

const otherRun = (file: string, difference: string): MienError =>
  new MienError('checkpoint', `belongs to a run with another configuration or other data${difference}`, {
    file,
    hint: 'Choose another folder, or remove this one to start anew.',
  });

/** Most names of tensors that one message lists. */
const LISTED = 3;

/** In which tensors a checkpoint is not of the expected model; nothing when it fits. */
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
