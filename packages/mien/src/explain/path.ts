// Evaluates points of a path in batches, with a session that computes values and slopes.
import { float32, inBatches, MienError, type Session, type Tensors } from 'mien-engine';
import type { PathPoint } from './integrate.js';

/**
 * The session has the input `places` `[batch]` besides the feeds, and the outputs `value` `[batch]` and `slopes`
 * `[batch, …]`.
 * @throws MienError `interrupted` if the signal is aborted.
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
    if (signal) await throwIfAborted(signal);
    const { value, slopes } = await session.run({ ...feeds, places: float32([some.length], some) });
    const [values, all] = [value!.data as Float32Array, slopes!.data as Float32Array];
    const size = all.length / some.length;
    some.forEach((_, i) => points.push({ value: values[i]!, slopes: all.slice(i * size, (i + 1) * size) }));
  }
  return points;
}

/** Yields to the event loop first, so that an abort can arrive: the web runtime blocks this thread. */
async function throwIfAborted(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  if (signal.aborted)
    throw new MienError('interrupted', 'the explanation was aborted', { cause: signal.reason as unknown });
}
