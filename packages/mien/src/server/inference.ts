// The recogniser behind the service: child processes that compute batches; an item that fails does not affect others.
import type { Context as TraceContext } from '@opentelemetry/api';
import { MienError } from 'mien-engine/base';
import { bundledModel } from '../base/package.js';
import { startPool } from '../recognizer/node/pool.js';
import type { Item, RecognizeOptions, Recognizer, RecognizerInfo, Result } from '../recognizer/types.js';
import { createBatcher } from './batcher.js';
import { ServiceError } from './errors.js';
import { errorFields, type Log } from './log.js';
import type { Metrics } from './metrics.js';
import type { ServerSettings } from './settings.js';
import { NO_TRACING, type BatchTrace, type Tracing } from './tracing.js';

export type RequestOptions = Pick<
  RecognizeOptions,
  'faces' | 'allFaces' | 'gate' | 'fine' | 'transcribe' | 'prior' | 'coverage' | 'risk'
>;

export interface Inference {
  readonly info: RecognizerInfo;
  /**
   * Results in the order of the items.
   * @param trace of the request, to which the spans of queue and batch belong
   * @throws ServiceError `queue-full`, `inference-crashed` or `not-ready`; the signal's reason if it is aborted.
   */
  recognize(
    items: readonly Item[],
    options: RequestOptions,
    signal: AbortSignal,
    trace?: TraceContext,
  ): Promise<Result[]>;
  /** Numbers of processes that are ready, and that will not be restarted. */
  processes(): { readonly ready: number; readonly lost: number };
  dispose(): Promise<void>;
}

interface Observers {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracing?: Tracing;
}

/** Batches sent to a process at a time: the next one is already there when the first is done. */
const BATCHES_PER_PROCESS = 2;
/** A process that has not responded for this many deadlines, and at least a minute, counts as stuck. */
const STUCK_DEADLINES = 4;
const STUCK_AT_LEAST = 60_000;
/** Maximum of `Retry-After`, in seconds. */
const MAX_RETRY = 30;

/** @throws MienError as loading the bundle does. */
export async function startInference(
  settings: ServerSettings,
  { bundle, ...observers }: Observers & { readonly bundle?: string | undefined },
): Promise<Inference> {
  const { processes, threads, maxPixels, maxSeconds, deadline } = settings;
  const { log, metrics } = observers;
  let state = { ready: 0, lost: 0 };
  const recognizer = await startPool(
    { bundle: bundle ?? bundledModel(), threads, maxPixels, maxSeconds, files: false },
    processes,
    {
      patience: Math.max(STUCK_AT_LEAST, STUCK_DEADLINES * deadline),
      onEvent: ({ kind, pid, how, ready, lost }) => {
        state = { ready, lost };
        metrics.processes.set(ready);
        if (kind === 'ended') metrics.restarts.inc();
        log(kind === 'ended' ? 'error' : 'info', `process-${kind}`, { pid, how, ready, lost });
      },
    },
  );
  return { ...batched(recognizer, settings, observers), processes: () => state };
}

interface Work {
  readonly item: Item;
  readonly options: RequestOptions;
  /** Time of arrival in milliseconds. */
  readonly since: number;
  readonly trace: TraceContext | undefined;
}

/** A recogniser with a queue and micro-batching. */
export function batched(
  recognizer: Recognizer,
  { processes, maxBatch, maxWait, queue }: ServerSettings,
  { log, metrics, tracing = NO_TRACING }: Observers,
): Omit<Inference, 'processes'> {
  /** Seconds per item for the whole service, a running mean. */
  let pace = 0.01;

  const compute = async (batch: readonly Work[], trace: BatchTrace): Promise<Result[]> => {
    try {
      return await trace.model(batch.length, () =>
        recognizer.recognize(
          batch.map(({ item }) => item),
          batch[0]!.options,
        ),
      );
    } catch (error) {
      if (error instanceof MienError && error.code === 'crashed') throw unavailable(error);
      if (batch.length === 1) {
        log('error', 'item-failed', errorFields(error));
        return [
          { error: { code: 'internal', message: 'internal error while recognising the item' }, warnings: [] },
        ];
      }
      // Computed one by one, only the item that causes the error fails.
      const results: Result[] = [];
      for (const one of batch) results.push(...(await compute([one], trace)));
      return results;
    }
  };
  const run = async (batch: readonly Work[]): Promise<Result[]> => {
    const start = performance.now();
    for (const { since } of batch) metrics.queueWait.observe((start - since) / 1000);
    metrics.batchItems.observe(batch.length);
    const trace = tracing.batch(batch);
    const results = await compute(batch, trace).finally(() => trace.end());
    const seconds = (performance.now() - start) / 1000;
    metrics.batchSeconds.observe(seconds);
    pace += 0.1 * (seconds / batch.length / (processes * BATCHES_PER_PROCESS) - pace);
    return results;
  };
  const batcher = createBatcher<Work, Result>(run, {
    maxBatch,
    maxWait,
    maxQueue: queue,
    slots: processes * BATCHES_PER_PROCESS,
    workers: processes,
    keyOf: ({ options: { faces, allFaces, gate, fine, transcribe, prior, coverage, risk } }) =>
      JSON.stringify([faces, allFaces, gate, fine, transcribe, prior, coverage, risk]),
  });
  metrics.watchQueue(batcher.queued);

  return {
    info: recognizer.info,
    async recognize(items, options, signal, trace) {
      const since = performance.now();
      const results = await batcher.submit(
        items.map((item) => ({ item, options, since, trace })),
        signal,
      );
      if (results) return results;
      const wait = Math.ceil(batcher.queued() * pace);
      throw new ServiceError('queue-full', `${batcher.queued()} of ${queue} places in the queue are in use`, {
        retryAfter: Math.min(MAX_RETRY, Math.max(1, wait)),
      });
    },
    dispose: () => recognizer.dispose(),
  };
}

const unavailable = (cause: MienError): ServiceError =>
  new ServiceError('inference-crashed', 'the inference process ended unexpectedly; try again', {
    cause,
    retryAfter: 1,
  });
