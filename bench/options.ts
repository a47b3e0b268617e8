// What every benchmark is told.
export interface BenchOptions {
  /** Fewer items, to see that everything works. */
  readonly quick: boolean;
  /** Threads of us and of the peers alike. */
  readonly threads: number;
}

/** The folder an environment variable names. @throws Error that says what the folder must hold. */
export function folderOf(variable: 'MIEN_DATA' | 'MIEN_WEIGHTS', holds: string): string {
  const folder = process.env[variable];
  if (folder === undefined) throw new Error(`set ${variable} to a folder that holds ${holds}`);
  return folder;
}
