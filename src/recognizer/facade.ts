// What every recogniser offers, whether it computes here or in another process: arguments checked, one item or many.
import { MienError } from '../base/errors.js';
import { nearestName, suggestion } from '../base/names.js';
import {
  abortSignal,
  anything,
  checkOptions,
  flag,
  list,
  number,
  oneOf,
  text,
  wholeNumber,
  type Kinds,
} from '../base/options.js';
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
  SessionOptions,
} from './types.js';

/** The part that differs. */
export interface Computation {
  readonly info: RecognizerInfo;
  run(items: readonly Item[], options: RecognizeOptions): Promise<Result[]>;
  explain(item: Item, options: ExplainOptions): Promise<Explanation | Failure>;
  dispose(): Promise<void>;
}

const STREAM_BATCH = 16;

type StreamOptions = NonNullable<Parameters<Recognizer['stream']>[1]>;

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
    checkOptions(options, OPTIONS, 'recognition');
    checkPrior(info.labels, options);
    const items = Array.isArray(given) ? (given as readonly Item[]) : [given as Item];
    check(items, options.signal);
    const results = (await run(items, options)).map((result, i) => withId(items[i]!, result));
    return Array.isArray(given) ? results : results[0]!;
  }
  return {
    ...{ info, recognize, dispose },
    async explain(item, options = {}) {
      checkOptions(options, EXPLAIN_OPTIONS, 'explanation');
      check([item], options.signal);
      return explain(item, options);
    },
    async *stream(items, given = {}) {
      checkOptions(given, STREAM_OPTIONS, 'stream');
      const { batchSize = STREAM_BATCH, ...options } = given;
      for await (const batch of gather(items, batchSize, options.signal))
        yield* await recognize(batch, options);
    },
    session(options = {}) {
      checkOptions(options, SESSION_OPTIONS, 'session');
      return startSession(recognize, labelsInCommon(info.labels), options);
    },
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

const OPTIONS: Kinds<RecognizeOptions> = {
  ...{ faces: oneOf('detect', 'cropped'), allFaces: flag, mirror: flag, gate: flag, fine: flag },
  ...{ near: list, places: list, signal: abortSignal },
  // `checkPrior` and `checkCertainty` know what these may be.
  prior: anything,
  ...{ coverage: number('a share'), risk: number('a share') },
};

const EXPLAIN_OPTIONS: Kinds<ExplainOptions> = { label: text, faces: OPTIONS.faces, signal: abortSignal };

const STREAM_OPTIONS: Kinds<StreamOptions> = { ...OPTIONS, batchSize: wholeNumber(1) };

const halfLife = number('seconds above zero', (seconds) => seconds > 0);
const SESSION_OPTIONS: Kinds<SessionOptions> = { ...OPTIONS, faceHalfLife: halfLife, textHalfLife: halfLife };

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
