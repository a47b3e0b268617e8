// Child processes that run a module of a package and talk in messages.
import { fork, type ChildProcess, type ForkOptions } from 'node:child_process';
import type { ModuleFile } from './module-file.js';

/** Starts a module. Its standard error is this process's. */
export function forkModule(
  { path, execArgv }: ModuleFile,
  { serialization }: Pick<ForkOptions, 'serialization'> = {},
): ChildProcess {
  return fork(path, {
    execArgv: [...execArgv],
    ...(serialization ? { serialization } : {}),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

/** In Bun it has neither `ref` nor `unref`: the process takes it along. */
type Channel = { ref?(): void; unref?(): void } | null | undefined;

/** From now on this process does not end before the child does. */
export function hold(child: ChildProcess): void {
  child.ref();
  (child.channel as Channel)?.ref?.();
}

/** From now on the child does not keep this process alive. */
export function letGo(child: ChildProcess): void {
  child.unref();
  (child.channel as Channel)?.unref?.();
}
