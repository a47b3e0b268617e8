// A file of predictions, written row by row: an interrupted run resumes after the last saved row.
import { open, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { MienError } from 'mien-engine/base';
import { fileError, writeFileAtomic } from 'mien-engine/node';

export interface PredictionsFile {
  /** Number of rows that an earlier run saved. */
  readonly done: number;
  /** Number of those that could not be recognised. */
  readonly failed: number;
  /** What the last `append` saved beside its rows. */
  readonly saved: unknown;
  /** Appends the lines of `rows` rows, `failed` of which could not be recognised, and syncs them to disk. */
  append(text: string, rows: number, failed?: number, saved?: unknown): Promise<void>;
  /** Renames the complete file to its final name. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

interface State {
  readonly fingerprint: string;
  readonly rows: number;
  readonly failed?: number;
  readonly bytes: number;
  readonly saved?: unknown;
}

/**
 * Opens `path` for predictions. Until finished it is named `path.part`, with its state in `path.part.json`.
 * @param header written before the first row
 * @throws MienError `checkpoint` if there is an unfinished file of another run, `file` if there is a finished file, or it
 *   cannot be written.
 */
export async function openPredictions(
  path: string,
  { fingerprint, header, overwrite = false }: { fingerprint: string; header: string; overwrite?: boolean },
): Promise<PredictionsFile> {
  const [part, note] = [`${path}.part`, `${path}.part.json`];
  if (!overwrite) await refuseExisting(path);
  const state = await readState(note);
  if (state && state.fingerprint !== fingerprint && !overwrite)
    throw otherRun(part, 'Finish that run with its command, or use --overwrite.');
  const resumed =
    state?.fingerprint === fingerprint && (await stat(part).catch(() => undefined)) ? state : undefined;
  const failed = (cause: unknown): never => {
    throw fileError('write', part, cause);
  };
  const handle: FileHandle = await open(part, resumed ? 'r+' : 'w').catch(failed);
  let { rows, bytes, failed: without = 0 } = resumed ?? { rows: 0, bytes: 0 };
  const write = async (text: string, more: number, moreWithout = 0, saved?: unknown): Promise<void> => {
    const content = Buffer.from(text);
    await handle.write(content, 0, content.length, bytes).catch(failed);
    await handle.sync().catch(failed);
    [rows, bytes, without] = [rows + more, bytes + content.length, without + moreWithout];
    const state: State = { fingerprint, rows, bytes, failed: without, saved };
    await writeFileAtomic(note, JSON.stringify(state));
  };
  // Content after the last saved row was being written when the run ended.
  if (resumed) await handle.truncate(bytes).catch(failed);
  else await write(header, 0);
  return {
    done: rows,
    failed: without,
    saved: resumed?.saved,
    append: write,
    async finish() {
      await handle.close();
      await rename(part, path).catch(failed);
      await rm(note, { force: true });
    },
    close: () => handle.close().catch(() => undefined),
  };
}

/** The error of results that belong to another run. */
export const otherRun = (file: string, hint: string): MienError =>
  new MienError('checkpoint', 'belongs to a run with other items, another model or other options', {
    file,
    hint,
  });

/** @throws MienError `file` if there is such a file. */
export async function refuseExisting(path: string): Promise<void> {
  if (await stat(path).catch(() => undefined))
    throw new MienError('file', 'already exists', {
      file: path,
      hint: 'Choose another file, or use --overwrite.',
    });
}

async function readState(note: string): Promise<State | undefined> {
  const text = await readFile(note, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as State);
}
