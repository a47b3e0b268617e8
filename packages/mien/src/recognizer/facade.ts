// The public methods of recognisers that compute in this or in other processes: they validate arguments, for one item or
// many.
import {
  abortSignal,
  anything,
  checkOptions,
  flag,
  type Kinds,
  list,
  MienError,
  number,
  oneOf,
  text,
  wholeNumber,
} from 'mien-engine/base';
import { checkTranscribes } from '../bundle/words.js';
import { modalities as listed } from '../modalities/list.js';
import type { Modalities } from '../modalities/modality.js';
import { checkPrior } from './prior.js';
import { readItem, type IdentifiedItem, type ReadItem } from './read-item.js';
import { halfLifeOption, startSession } from './sequence.js';
import { batchesOf, computedInOrder } from './stream.js';
import type {
  ExplainOptions,
  Explanation,
  Failure,
  Item,
  Recognition,
  RecognizeOptions,
  Recognizer,
  RecognizerInfo,
  Result,
  RecognitionSessionOptions,
} from './types.js';

/** The part that differs between recognisers; items and options are validated already. */
export interface Computation {
  readonly info: RecognizerInfo;
  /** The modalities whose inputs items may have; by default all that mien knows. */
  readonly modalities?: Modalities;
  /** Batches of a stream that are computed at the same time; 1 by default. */
  readonly parallel?: number;
  run(items: readonly ReadItem[], options: RecognizeOptions): Promise<Result[]>;
  explain(item: ReadItem, options: ExplainOptions): Promise<Explanation | Failure>;
  dispose(): Promise<void>;
}

const STREAM_BATCH = 16;

type StreamOptions = NonNullable<Parameters<Recognizer['stream']>[1]>;

export function recognizerOf({
  info,
  modalities,
  parallel = 1,
  run,
  explain,
  dispose: close,
}: Computation): Recognizer {
  let disposed: Promise<void> | undefined;
  const check = (signal: AbortSignal | undefined): void => {
    if (disposed) throw new MienError('usage', 'the recogniser has been disposed');
    throwIfAborted(signal);
  };
  const dispose = (): Promise<void> => (disposed ??= close());
  const recognizeAll = async (
    items: readonly IdentifiedItem[],
    options: RecognizeOptions,
  ): Promise<Result[]> => {
    checkOptions(options, OPTIONS, 'recognition');
    checkPrior(info.labels, options);
    if (options.transcribe) checkTranscribes(info);
    check(options.signal);
    const results = await run(
      items.map(({ id: _id, ...item }) => item),
      options,
    );
    return results.map((result, i) => withId(items[i]!, result));
  };
  const recognizeOne = async (item: IdentifiedItem, options: RecognizeOptions): Promise<Result> =>
    (await recognizeAll([item], options))[0]!;
  function recognize(item: Item, options?: RecognizeOptions): Promise<Result>;
  function recognize(items: readonly Item[], options?: RecognizeOptions): Promise<Result[]>;
  async function recognize(
    given: Item | readonly Item[],
    options: RecognizeOptions = {},
  ): Promise<Result | Result[]> {
    const read = (item: unknown): IdentifiedItem => readItem(item, modalities);
    if (!isList(given)) return recognizeOne(read(given), options);
    // Not `map`, which skips holes: a hole counts as an item.
    return recognizeAll(Array.from(given, read), options);
  }
  return {
    info,
    recognize,
    dispose,
    async explain(item, options = {}) {
      checkOptions(options, EXPLAIN_OPTIONS, 'explanation');
      checkPrior(info.labels, options);
      check(options.signal);
      const { id: _id, ...read } = readItem(item, modalities);
      return explain(read, options);
    },
    async *stream(items, given = {}) {
      checkOptions(given, STREAM_OPTIONS, 'stream');
      const { batchSize = STREAM_BATCH, ...options } = given;
      const batches = (signal: AbortSignal | undefined) => batchesOf(items, batchSize, signal);
      const compute = (batch: Item[]): Promise<Result[]> => recognize(batch, options);
      if (parallel > 1) yield* computedInOrder(batches, againIfCrashed(compute), parallel, options.signal);
      else for await (const batch of batches(options.signal)) yield* await compute(batch);
    },
    session(options = {}) {
      checkOptions(options, sessionOptions(modalities), 'session');
      checkPrior(info.labels, options);
      return startSession(recognizeOne, info, options, modalities);
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** Computes a batch once more if the process that computed it has ended, so that a long run survives one killed process. */
const againIfCrashed =
  <Batch, Computed>(compute: (batch: Batch) => Promise<Computed>) =>
  (batch: Batch): Promise<Computed> =>
    compute(batch).catch((error: unknown) => {
      if (error instanceof MienError && error.code === 'crashed') return compute(batch);
      throw error;
    });

/** `Array.isArray` throws for a revoked proxy. */
function isList(given: unknown): given is readonly unknown[] {
  try {
    return Array.isArray(given);
  } catch {
    return false;
  }
}

const withId = ({ id }: IdentifiedItem, result: Result): Result =>
  id === undefined || id === null ? result : { id, ...result };

/** Whether an item was recognised: narrows the type. */
export const isRecognition = (result: Result): result is Recognition => result.error === undefined;

/** @throws MienError `interrupted` if the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new MienError('interrupted', 'recognition was aborted', { cause: signal.reason as unknown });
}

const OPTIONS: Kinds<RecognizeOptions> = {
  faces: oneOf('detect', 'cropped'),
  allFaces: flag,
  mirror: flag,
  gate: flag,
  fine: flag,
  transcribe: flag,
  near: list,
  places: list,
  signal: abortSignal,
  // `checkPrior` and `checkCertainty` validate these.
  prior: anything,
  coverage: number('a share'),
  risk: number('a share'),
};

const EXPLAIN_OPTIONS: Kinds<ExplainOptions> = {
  label: text,
  faces: OPTIONS.faces,
  prior: OPTIONS.prior,
  signal: abortSignal,
};

const STREAM_OPTIONS: Kinds<StreamOptions> = { ...OPTIONS, batchSize: wholeNumber(1) };

const halfLife = number('seconds above zero', (seconds) => seconds > 0);
const sessionOptions = (modalities: Modalities = listed) =>
  ({
    ...OPTIONS,
    ...Object.fromEntries(Object.keys(modalities).map((name) => [halfLifeOption(name), halfLife])),
  }) as Kinds<RecognitionSessionOptions>;
