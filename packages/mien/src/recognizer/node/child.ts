// A process of a recogniser's pool: loads the bundle; items and options were checked by the parent.
import { serveTasks } from 'mien-engine/node';
import type {
  ExplainOptions,
  Explanation,
  Failure,
  RecognizeOptions,
  RecognizerInfo,
  Result,
} from '../types.js';
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

/** Items to recognise, or one to explain. */
export type ChildRequest =
  | { readonly items: readonly SentItem[]; readonly options: Omit<RecognizeOptions, 'signal'> }
  | { readonly item: SentItem; readonly options: Omit<ExplainOptions, 'signal'> };

export type ChildResponse = Result[] | Explanation | Failure;

serveTasks<ChildSetup, ChildRequest, ChildResponse, RecognizerInfo>(async ({ bundle, ...options }) => {
  const { info, run, explain } = await computeHere(bundle, options);
  return {
    info,
    run: (ask, { signal }) =>
      'item' in ask
        ? explain(ask.item, { ...ask.options, signal })
        : run(ask.items, { ...ask.options, signal }),
  };
});
