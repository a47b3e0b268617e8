// What every recogniser offers, whether it computes here or in another process: arguments checked, one item or many.
import { MienError } from '../base/errors.js';
import { checkNames } from '../base/names.js';
import { repeated } from '../base/quote.js';
import { labelsInCommon } from '../data/labels.js';
import { readItem, type NamedItem, type ReadItem } from './read-item.js';
import { startSession } from './sequence.js';
import { gather } from './stream.js';
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
} from './types.js';

/** The part that differs. Items come to it as they were read, options as they were checked. */
export interface Computation {
  readonly info: RecognizerInfo;
  run(items: readonly ReadItem[], options: RecognizeOptions): Promise<Result[]>;
  explain(item: ReadItem, options: ExplainOptions): Promise<Explanation | Failure>;
  dispose(): Promise<void>;
}

const STREAM_BATCH = 16;

export function recognizerOf({ info, run, explain, dispose: close }: Computation): Recognizer {
  let disposed: Promise<void> | undefined;
  const check = (signal: AbortSignal | undefined): void => {
    if (disposed) throw new MienError('usage', 'the recogniser was disposed of');
    throwIfAborted(signal);
  };
  const dispose = (): Promise<void> => (disposed ??= close());
  const answers = async (items: readonly NamedItem[], options: RecognizeOptions): Promise<Result[]> => {
    checkOptions(options);
    check(options.signal);
    const results = await run(
      items.map(({ id: _id, ...item }) => item),
      options,
    );
    return results.map((result, i) => withId(items[i]!, result));
  };
  function recognize(item: Item, options?: RecognizeOptions): Promise<Result>;
  function recognize(items: readonly Item[], options?: RecognizeOptions): Promise<Result[]>;
  async function recognize(
    given: Item | readonly Item[],
    options: RecognizeOptions = {},
  ): Promise<Result | Result[]> {
    if (!isList(given)) return (await answers([readItem(given)], options))[0]!;
    // Not `map`, which passes over holes: a hole is an item too.
    return answers(Array.from(given, readItem), options);
  }
  return {
    ...{ info, recognize, dispose },
    async explain(item, options = {}) {
      checkNames(options, EXPLAIN_OPTIONS, 'explanation');
      checkFaces(options.faces);
      check(options.signal);
      const { id: _id, ...read } = readItem(item);
      return explain(read, options);
    },
    async *stream(items, { batchSize = STREAM_BATCH, ...options } = {}) {
      for await (const batch of gather(items, batchSize, options.signal))
        yield* await recognize(batch, options);
    },
    session: (options) =>
      startSession(async (item, by) => (await answers([item], by))[0]!, labelsInCommon(info.labels), options),
    [Symbol.asyncDispose]: dispose,
  };
}

/** `Array.isArray` throws for a revoked proxy. */
function isList(given: unknown): given is readonly unknown[] {
  try {
    return Array.isArray(given);
  } catch {
    return false;
  }
}

const withId = ({ id }: NamedItem, result: Result): Result =>
  id === undefined || id === null ? result : { id, ...result };

/** Whether an item was recognised: narrows the type. */
export const isRecognition = (result: Result): result is Recognition => result.error === undefined;

/** @throws MienError `interrupted` when the signal is given. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new MienError('interrupted', 'recognition was aborted', { cause: signal.reason as unknown });
}

const OPTIONS: Record<keyof RecognizeOptions, true> = {
  faces: true,
  allFaces: true,
  gate: true,
  near: true,
  mirror: true,
  places: true,
  coverage: true,
  risk: true,
  signal: true,
};

function checkOptions(options: RecognizeOptions): void {
  checkNames(options, OPTIONS, 'recognition');
  checkFaces(options.faces);
  for (const field of ['near', 'places'] as const)
    if (options[field] !== undefined && !Array.isArray(options[field]))
      throw new MienError('usage', `must be a list of places, got ${repeated(options[field])}`, { field });
}

function checkFaces(faces: RecognizeOptions['faces']): void {
  if (!['detect', 'cropped', undefined].includes(faces))
    throw new MienError('usage', `faces cannot be ${repeated(faces)}`, {
      ...{ field: 'faces', hint: 'Pass "detect" or "cropped".' },
    });
}

const EXPLAIN_OPTIONS: Record<keyof ExplainOptions, true> = { label: true, faces: true, signal: true };
