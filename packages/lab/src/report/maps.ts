// Lays out several maps at once, one a core.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { forkModule } from 'mien-engine/node';
import { moduleInPackage } from '../base/package.js';
import { MienError } from 'mien-engine/base';
import type { PointMap } from '../evaluate/projection.js';
import type { MapAnswer, MapTask } from './map-worker.js';

export interface MapOptions {
  readonly workers: number;
  readonly onDone?: () => void;
  readonly signal?: AbortSignal;
}

/**
 * The maps of all tasks, in their order; which process makes which does not change them.
 * @throws MienError `diverged` when points are not finite, `interrupted` when the signal is given.
 */
export async function layOut(
  tasks: readonly MapTask[],
  { workers, onDone, signal }: MapOptions,
): Promise<PointMap[]> {
  const maps = new Array<PointMap>(tasks.length);
  const queue = [...tasks.keys()];
  const children = Array.from({ length: Math.min(workers, tasks.length) }, () =>
    forkModule(moduleInPackage('report/map-worker'), { serialization: 'advanced' }),
  );
  const stop = (): void => children.forEach((child) => child.kill());
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await Promise.all(
      children.map(async (child) => {
        for (let i = queue.shift(); i !== undefined; i = queue.shift()) {
          maps[i] = await ask(child, tasks[i]!);
          onDone?.();
        }
      }),
    );
    return maps;
  } catch (error) {
    if (signal?.aborted) throw new MienError('interrupted', 'stopped while maps were laid out');
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
  }
}

async function ask(child: ChildProcess, task: MapTask): Promise<PointMap> {
  const ended = new AbortController();
  const exit = once(child, 'exit', { signal: ended.signal }).then(() => {
    throw new MienError('crashed', 'a process that lays out a map ended unexpectedly');
  });
  const answer = once(child, 'message', { signal: ended.signal }) as Promise<[MapAnswer]>;
  child.send(task);
  try {
    const [found] = await Promise.race([answer, exit]);
    if ('failed' in found) throw new MienError('diverged', found.failed);
    return found.map;
  } finally {
    ended.abort();
    exit.catch(() => undefined);
    answer.catch(() => undefined);
  }
}
