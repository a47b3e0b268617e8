// A recogniser that computes in child processes: ONNX Runtime blocks the event loop of the process it runs in.
import { type ProcessEvent, startProcessPool } from 'mien-engine/node';
import { moduleInPackage } from '../../base/package.js';
import { recognizerOf } from '../facade.js';
import { isEmptyImage } from '../absent.js';
import { undecodable } from '../prepare.js';
import type { ReadItem } from '../read-item.js';
import { rejectOnAbort } from '../stream.js';
import type { Explanation, Failure, Recognizer, RecognizerInfo, Result } from '../types.js';
import type { ChildResponse, ChildRequest, ChildSetup, SentItem } from './child.js';
import { openSource } from './images.js';

export interface PoolOptions {
  /** Told whenever a child has become ready or has ended while the pool is open. */
  readonly onEvent?: (event: ProcessEvent) => void;
  /** Milliseconds after which a child that owes an answer counts as stuck and is killed; never by default. */
  readonly patience?: number;
}

/**
 * Starts `processes` children that each load the bundle. Calls go to the least busy; a child that ends is replaced.
 * @throws MienError what loading throws; later `crashed` for the calls that an ended child had not answered.
 */
export async function startPool(
  setup: ChildSetup,
  processes: number,
  options: PoolOptions = {},
): Promise<Recognizer> {
  const pool = await startProcessPool<ChildSetup, ChildRequest, ChildResponse, RecognizerInfo>({
    ...options,
    module: moduleInPackage('recognizer/node/child'),
    setup,
    processes,
  });
  const { info } = pool;
  /** The child is told of an abort too, but may be too busy to hear it. */
  const call = async (
    ask: ChildRequest,
    load: number,
    signal: AbortSignal | undefined,
  ): Promise<ChildResponse> => {
    const aborted = rejectOnAbort(signal);
    try {
      return await Promise.race([aborted.promise, pool.run(ask, { load, signal })]);
    } finally {
      aborted.forget();
    }
  };
  /** Makes an item fit to be sent: images are opened here, and one that cannot be is the item's error. */
  const sendable = async ({ image, ...item }: ReadItem): Promise<SentItem> => {
    if (image === undefined) return item;
    // The bundle reads no faces: that there is an image is all that will be said of it.
    if (!info.labels.face) return { ...item, image: '' };
    try {
      if (isEmptyImage(image)) return { ...item, image: new Uint8Array() };
      return { ...item, image: await openSource(image) };
    } catch (cause) {
      return { ...item, error: undecodable(cause) };
    }
  };
  return recognizerOf({
    info,
    async run(items, { signal, ...options }) {
      const sent = await Promise.all(items.map(sendable));
      return (await call({ items: sent, options }, items.length, signal)) as Result[];
    },
    async explain(item, { signal, ...options }) {
      return (await call({ item: await sendable(item), options }, 1, signal)) as Explanation | Failure;
    },
    dispose: pool.close,
  });
}
