// What every recogniser offers, whether it computes here or in another process: arguments checked, one item or many.
import { MienError } from '../base/errors.js';
import { checkNames, nearestName, suggestion } from '../base/names.js';
import { labelsInCommon } from '../data/labels.js';
import { checkPrior } from './prior.js';
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

/** The part that differs. */
export interface Computation {
  readonly info: RecognizerInfo;
  run(items: readonly Item[], options: RecognizeOptions): Promise<Result[]>;
  explain(item: Item, options: ExplainOptions): Promise<Explanation | Failure>;
  dispose(): Promise<void>;
}

const STREAM_BATCH = 16;

export function recognizerOf({ info, run, explain, dispose: close }: Computation): Recognizer {
  let disposed: Promise<void> | undefined;
  const check = (items: readonly Item[], signal: AbortSignal | undefined): void => {
    if (disposed) throw new MienError('usage', 'the recogniser was disposed of');
    throwIfAborted(signal);
    items.forEach(checkItem);
  };
  const dispose = (): Promise<void> => (disposed ??= close());
  function recognize(item: Item, options?: RecognizeOptions): Promise<Result>;
  function recognize(items: readonly Item[], options?: RecognizeOptions): Promise<Result[]>;
  async function recognize(
    given: Item | readonly Item[],
    options: RecognizeOptions = {},
  ): Promise<Result | Result[]> {
    checkOptions(options);
    checkPrior(info.labels, options);
    const items = Array.isArray(given) ? (given as readonly Item[]) : [given as Item];
    check(items, options.signal);
    const results = (await run(items, options)).map((result, i) => withId(items[i]!, result));
    return Array.isArray(given) ? results : results[0]!;
  }
  return {
    ...{ info, recognize, dispose },
    async explain(item, options = {}) {
      checkNames(options, EXPLAIN_OPTIONS, 'explanation');
      check([item], options.signal);
      return explain(item, options);
    },
    async *stream(items, { batchSize = STREAM_BATCH, ...options } = {}) {
      for await (const batch of gather(items, batchSize, options.signal))
        yield* await recognize(batch, options);
    },
    session: (options) => startSession(recognize, labelsInCommon(info.labels), options),
    [Symbol.asyncDispose]: dispose,
  };
}

const withId = ({ id }: Item, result: Result): Result =>
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
  fine: true,
  near: true,
  mirror: true,
  places: true,
  prior: true,
  coverage: true,
  risk: true,
  signal: true,
};

function checkOptions(options: RecognizeOptions): void {
  checkNames(options, OPTIONS, 'recognition');
  if (!['detect', 'cropped', undefined].includes(options.faces))
    throw new MienError('usage', `faces cannot be "${String(options.faces)}"`, {
      ...{ field: 'faces', hint: 'Pass "detect" or "cropped".' },
    });
}

const EXPLAIN_OPTIONS: Record<keyof ExplainOptions, true> = { label: true, faces: true, signal: true };

const KNOWN = ['text', 'image'];

/** Wrong arguments are the caller's mistake and not a property of the data: they throw. */
function checkItem(item: unknown, index: number): void {
  if (typeof item !== 'object' || item === null)
    throw new MienError('usage', `item ${index} is not an object { text, image }`);
  const { text } = item as Item;
  if (text !== undefined && text !== null && typeof text !== 'string')
    throw new MienError('usage', `the text of item ${index} is not a string`, { field: 'text' });
  if (KNOWN.some((key) => key in item)) return;
  // Nothing at all is an item without input, which is for its result to say; a slip of the pen is not.
  const slip = Object.keys(item).find((key) => nearestName(key, KNOWN) !== undefined);
  if (slip !== undefined)
    throw new MienError('usage', `item ${index} has neither text nor image, but "${slip}"`, {
      ...{ field: slip, hint: suggestion(slip, KNOWN) },
    });
}
