// A child process of a recogniser: loads the bundle and runs requests, which the parent has validated.
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
import type { OpenAudio } from './audio.js';
import type { OpenSource } from './images.js';
import { computeHere, type LoadHereOptions } from './load-here.js';

export interface ChildSetup extends LoadHereOptions {
  readonly bundle: string;
}

/** An item that can be sent to another process. */
export interface SentItem extends ReadItem {
  readonly image?: OpenSource;
  readonly audio?: OpenAudio;
}

/** Items to recognise, or an item to explain. */
export type ChildRequest =
  | { readonly items: readonly SentItem[]; readonly options: Omit<RecognizeOptions, 'signal'> }
  | { readonly item: SentItem; readonly options: Omit<ExplainOptions, 'signal'> };

export type ChildResponse = Result[] | Explanation | Failure;

serveTasks<ChildSetup, ChildRequest, ChildResponse, RecognizerInfo>(async ({ bundle, ...options }) => {
  const { info, run, explain } = await computeHere(bundle, options);
  return {
    info,
    run: (request, { signal }) =>
      'item' in request
        ? explain(request.item, { ...request.options, signal })
        : run(request.items, { ...request.options, signal }),
  };
});
