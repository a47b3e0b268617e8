// The child process of a recogniser's pool: loads the bundle, answers one call after another.
import { type ErrorCode, messageOf, MienError } from 'mien-engine/base';
import type {
  ExplainOptions,
  Explanation,
  Failure,
  RecognizeOptions,
  RecognizerInfo,
  Result,
} from '../types.js';
import type { Computation } from '../facade.js';
import type { ReadItem } from '../read-item.js';
import type { OpenSource } from './images.js';
import { computeHere, type LoadHereOptions } from './load-here.js';

export interface ChildSetup extends LoadHereOptions {
  readonly bundle: string;
}

/** An item that can be sent to another process. */
export interface SentItem extends ReadItem {
  readonly image?: OpenSource;
}

export type ToChild =
  | { readonly setup: ChildSetup }
  | {
      readonly id: number;
      readonly items: readonly SentItem[];
      readonly options: Omit<RecognizeOptions, 'signal'>;
    }
  | { readonly id: number; readonly item: SentItem; readonly options: Omit<ExplainOptions, 'signal'> };

export type FromChild =
  | { readonly info: RecognizerInfo }
  | { readonly id: number; readonly results: Result[] }
  | { readonly id: number; readonly explanation: Explanation | Failure }
  | {
      readonly id?: number;
      readonly failed: { readonly code: ErrorCode | undefined; readonly message: string };
    };

const send = (message: FromChild): void => void process.send?.(message);

/** Items and options were checked by the parent. */
let computation: Computation | undefined;

async function handle(message: ToChild): Promise<void> {
  if ('setup' in message) {
    const { bundle, ...options } = message.setup;
    computation = await computeHere(bundle, options);
    return send({ info: computation.info });
  }
  const { id } = message;
  if ('item' in message)
    return send({ id, explanation: await computation!.explain(message.item, message.options) });
  send({ id, results: await computation!.run(message.items, message.options) });
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
