// In how many processes a command recognises many items.
import { availableParallelism, totalmem } from 'node:os';

/** Each process holds a copy of the model, so that more are started only on request. */
const MOST_BY_DEFAULT = 8;
/** Bytes of memory for each process: twice what one with faces was seen to take. */
const MEMORY_EACH = 2 ** 30;

interface Machine {
  readonly cores: number;
  /** Bytes, at most those that a container may use. */
  readonly memory: number;
}

const thisMachine = (): Machine => ({
  cores: availableParallelism(),
  // 0 if there is no limit, or none is known.
  memory: Math.min(totalmem(), process.constrainedMemory() || Infinity),
});

/** Size of a table in bytes above which processes save more time than starting them takes: some hundred rows. */
const LARGE_TABLE = 16 * 1024;
export const isLarge = (bytes: number): boolean => bytes >= LARGE_TABLE;

export interface ComputationOptions {
  readonly bundle?: string | undefined;
  readonly processes?: number | undefined;
  readonly threads?: number | undefined;
}

/**
 * The number of child processes, 0 for this process: as requested, else one per core and GiB of memory if there are many
 * items. A model that is fetched is loaded only once by default, and a number of threads alone is meant for this process.
 */
export function processesOf(
  { bundle, processes, threads }: ComputationOptions,
  isMany: boolean,
  { cores, memory }: Machine = thisMachine(),
): number {
  if (processes !== undefined) return processes;
  if (!isMany || threads !== undefined || /^https?:/i.test(bundle ?? '')) return 0;
  const most = Math.min(cores, MOST_BY_DEFAULT, Math.floor(memory / MEMORY_EACH));
  return most > 1 ? most : 0;
}
