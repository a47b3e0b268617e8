// Child processes that run a module of the package and talk in messages.
import { fork, type ChildProcess, type ForkOptions } from 'node:child_process';
import { moduleInPackage } from './script.js';

/** Starts a module of the package, such as `recognizer/node/child`. Its standard error is this process's. */
export function forkModule(
  name: string,
  { serialization }: Pick<ForkOptions, 'serialization'> = {},
): ChildProcess {
  const { path, execArgv } = moduleInPackage(name);
  return fork(path, {
    execArgv,
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
