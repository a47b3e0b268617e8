// Checkpoints of a head: everything a run carries from epoch to epoch, so that resuming gives the same bytes as not
// stopping.
import { join } from 'node:path';
import { writeFileAtomic } from 'mien-engine/node';
import { encodeSafetensors, type Tensors } from 'mien-engine/base';
import { openCheckpointFolder } from './checkpoint-folder.js';
import type { EpochRecord, RunState } from './run-state.js';

/** A run's folder, as `openCheckpointFolder` keeps it; `head.safetensors` joins when the run is over. */
export interface HeadCheckpoints {
  /**
   * The state of the last checkpoint, or undefined where there is none.
   * @throws MienError `checkpoint` when it belongs to another run, or its tensors are damaged or missing.
   */
  read(): Promise<RunState | undefined>;
  write(run: RunState): Promise<void>;
  /** Writes the last state, and the parameters to keep as `head.safetensors`. */
  finish(run: RunState): Promise<void>;
}

interface Record {
  readonly bestEpoch: number;
  readonly history: readonly EpochRecord[];
}

/** `fingerprint` is what tells this run from others: a hash over its configuration and data. */
export async function openCheckpoint(folder: string, fingerprint: string): Promise<HeadCheckpoints> {
  const checkpoints = await openCheckpointFolder<Record>(folder, fingerprint);
  const read: HeadCheckpoints['read'] = async () => {
    const stored = await checkpoints.read();
    return (
      stored && {
        training: withPrefix(stored.tensors, 'training '),
        best: withPrefix(stored.tensors, 'best '),
        ...stored.record,
      }
    );
  };
  const write: HeadCheckpoints['write'] = ({ training, best, bestEpoch, history }) =>
    checkpoints.write(
      history.length,
      {
        tensors: { ...prefixed(training, 'training '), ...prefixed(best, 'best ') },
        record: { bestEpoch, history },
      },
      history,
    );
  const finish: HeadCheckpoints['finish'] = async (run) => {
    await write(run);
    await writeFileAtomic(join(folder, 'head.safetensors'), encodeSafetensors(run.best));
  };
  return { read, write, finish };
}

/** Tensors under longer names, to keep several sets in one file. */
export const prefixed = (tensors: Tensors, prefix: string): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, value]) => [prefix + name, value]));

/** Those of the names that begin so, without the prefix. */
export const withPrefix = (tensors: Tensors, prefix: string): Tensors =>
  Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
