// In how many processes a command recognises many items.
import { availableParallelism } from 'node:os';

/** Each process holds a copy of the model, so that more are started only on request. */
const MOST_BY_DEFAULT = 8;

/** Bytes of a table from which on starting processes takes less time than they save: some hundred rows. */
const LARGE_TABLE = 16 * 1024;
export const isLarge = (bytes: number): boolean => bytes >= LARGE_TABLE;

export interface ComputationOptions {
  readonly bundle?: string | undefined;
  readonly processes?: number | undefined;
  readonly threads?: number | undefined;
}

/**
 * The number of child processes, 0 for this process: as requested, else one per core if there are many items. A model
 * that is fetched is loaded only once by default, and a number of threads alone is meant for this process.
 */
export function processesOf({ bundle, processes, threads }: ComputationOptions, isMany: boolean): number {
  if (processes !== undefined) return processes;
  if (!isMany || threads !== undefined || /^https?:/i.test(bundle ?? '')) return 0;
  const cores = availableParallelism();
  return cores > 1 ? Math.min(cores, MOST_BY_DEFAULT) : 0;
}
