// Places of a path, some at a time, through a session that computes values and slopes there.
import { float32, inBatches, MienError, type Session, type Tensors } from 'mien-engine';
import type { PathPoint } from './integrate.js';

/**
 * The session takes `places` `[batch]` beside the feeds and gives `value` `[batch]` and `slopes` `[batch, …]`.
 * @throws MienError `interrupted` when the signal is given.
 */
export async function pathPoints(
  session: Session,
  feeds: Tensors,
  places: readonly number[],
  most: number,
  signal?: AbortSignal,
): Promise<PathPoint[]> {
  const points: PathPoint[] = [];
  for (const some of inBatches(places, most)) {
    if (signal) await throwIfGivenUp(signal);
    const { value, slopes } = await session.run({ ...feeds, places: float32([some.length], some) });
    const [values, all] = [value!.data as Float32Array, slopes!.data as Float32Array];
    const size = all.length / some.length;
    some.forEach((_, i) => points.push({ value: values[i]!, slopes: all.slice(i * size, (i + 1) * size) }));
  }
  return points;
}

/** Whoever gives up needs a turn to say so: the web runtime computes on the thread that would hear it. */
async function throwIfGivenUp(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  if (signal.aborted)
    throw new MienError('interrupted', 'the explanation was aborted', { cause: signal.reason as unknown });
}
