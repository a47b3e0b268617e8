// A recogniser that computes in child processes: ONNX Runtime blocks the event loop of the process it runs in.
import { setMaxListeners } from 'node:events';
import { inBatches } from 'mien-engine/base';
import { type ProcessEvent, startProcessPool } from 'mien-engine/node';
import { moduleInPackage } from '../../base/package.js';
import { recognizerOf } from '../facade.js';
import { isEmptySource } from '../../modalities/absent.js';
import { undecodable } from '../../modalities/face/read.js';
import { inaudible } from '../../modalities/voice/read.js';
import type { ReadItem } from '../read-item.js';
import { rejectOnAbort } from '../stream.js';
import type { Explanation, Failure, Recognizer, RecognizerInfo, Result } from '../types.js';
import type { ChildResponse, ChildRequest, ChildSetup, SentItem } from './child.js';
import { openAudio } from './audio.js';
import { openSource } from './images.js';

export interface PoolOptions {
  /** Called when a child becomes ready, or ends while the pool is open. */
  readonly onEvent?: (event: ProcessEvent) => void;
  /** Milliseconds after which a child that has not responded is considered stuck and killed; by default never. */
  readonly patience?: number;
}

/** Longer lists are divided among the children, in parts with as many items as a run of the face encoder has images. */
const ITEMS_PER_CALL = 32;
/** Per child, so that the next batch is there when one is done. */
const BATCHES_AHEAD = 2;

/**
 * Starts `processes` children that each load the bundle. Calls go to the least busy child; one that ends is restarted.
 * @throws MienError as loading the bundle does; calls in progress of a child that ends reject with `crashed`.
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
  /** Rejects at once on abort, since the child may be too busy to receive it. */
  const call = async (
    request: ChildRequest,
    load: number,
    signal: AbortSignal | undefined,
  ): Promise<ChildResponse> => {
    const aborted = rejectOnAbort(signal);
    try {
      return await Promise.race([aborted.promise, pool.run(request, { load, signal })]);
    } finally {
      aborted.forget();
    }
  };
  /** An item that can be sent: images are opened here; if one cannot be opened, the item has an error. */
  const sendable = async ({ audio, ...item }: ReadItem): Promise<SentItem> => {
    const sent = await withImage(item);
    if (audio === undefined) return sent;
    // Without a voice model only the presence of a recording matters, for its error.
    if (!info.labels.voice) return { ...sent, audio: '' };
    try {
      if (isEmptySource(audio)) return { ...sent, audio: new Uint8Array() };
      return { ...sent, audio: await openAudio(audio) };
    } catch (cause) {
      return { ...sent, error: sent.error ?? inaudible(cause) };
    }
  };
  const withImage = async ({ image, ...item }: Omit<ReadItem, 'audio'>): Promise<SentItem> => {
    if (image === undefined) return item;
    // Without a face model only the presence of an image matters, for its warning.
    if (!info.labels.face) return { ...item, image: '' };
    try {
      if (isEmptySource(image)) return { ...item, image: new Uint8Array() };
      return { ...item, image: await openSource(image) };
    } catch (cause) {
      return { ...item, error: undecodable(cause) };
    }
  };
  return recognizerOf({
    info,
    parallel: BATCHES_AHEAD * processes,
    async run(items, { signal, ...options }) {
      // Each call in progress adds listeners to the signal; Node would warn of a leak.
      if (signal) setMaxListeners(0, signal);
      const runPart = async (part: readonly ReadItem[]): Promise<Result[]> => {
        const sent = await Promise.all(part.map(sendable));
        return (await call({ items: sent, options }, part.length, signal)) as Result[];
      };
      return (await Promise.all(inBatches(items, ITEMS_PER_CALL).map(runPart))).flat();
    },
    async explain(item, { signal, ...options }) {
      return (await call({ item: await sendable(item), options }, 1, signal)) as Explanation | Failure;
    },
    dispose: pool.close,
  });
}
