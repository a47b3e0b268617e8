// The child process of a recogniser's pool: loads the bundle, answers one call after another.
import { messageOf, MienError, type ErrorCode } from '../../base/errors.js';
import type {
  ExplainOptions,
  Explanation,
  Failure,
  Item,
  RecognizeOptions,
  Recognizer,
  RecognizerInfo,
  Result,
} from '../types.js';
import { loadHere, type LoadHereOptions } from './load-here.js';

export interface ChildSetup extends LoadHereOptions {
  readonly bundle: string;
}

export type ToChild =
  | { readonly setup: ChildSetup }
  | {
      readonly id: number;
      readonly items: readonly Item[];
      readonly options: Omit<RecognizeOptions, 'signal'>;
    }
  | { readonly id: number; readonly item: Item; readonly options: Omit<ExplainOptions, 'signal'> };

export type FromChild =
  | { readonly info: RecognizerInfo }
  | { readonly id: number; readonly results: Result[] }
  | { readonly id: number; readonly explanation: Explanation | Failure }
  | {
      readonly id?: number;
      readonly failed: { readonly code: ErrorCode | undefined; readonly message: string };
    };

const send = (message: FromChild): void => void process.send?.(message);

let recognizer: Recognizer | undefined;

async function handle(message: ToChild): Promise<void> {
  if ('setup' in message) {
    const { bundle, ...options } = message.setup;
    recognizer = await loadHere(bundle, options);
    return send({ info: recognizer.info });
  }
  const { id } = message;
  if ('item' in message)
    return send({ id, explanation: await recognizer!.explain(message.item, message.options) });
  send({ id, results: await recognizer!.recognize(message.items, message.options) });
}

process.on('message', (message: ToChild) => {
  handle(message).catch((error: unknown) => {
    const failed = {
      code: error instanceof MienError ? error.code : undefined,
      message: messageOf(error),
    };
    send('id' in message ? { id: message.id, failed } : { failed });
  });
});
// Without a parent there is nobody to answer.
process.on('disconnect', () => process.exit(0));
// Interrupting is for the parent to act on.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
