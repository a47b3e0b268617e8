// What a run over items comes to: quiet where all were recognised, a remark where some were not, an error where none was.
import { MienError } from 'mien-engine/base';
import type { Failure } from '../recognizer/types.js';
import type { Predicted } from './predictions.js';

export interface Outcome {
  readonly items: number;
  readonly failed: number;
  /** The first item without an answer, where this run has seen it. */
  readonly first?: Failure | undefined;
}

export const NO_ITEMS: Outcome = { items: 0, failed: 0 };

/** The outcome with more items. */
export function counted({ items, failed, first }: Outcome, more: readonly Predicted[]): Outcome {
  const failures = more.flatMap(({ result }) => (result.error ? [result] : []));
  return { items: items + more.length, failed: failed + failures.length, first: first ?? failures[0] };
}

/**
 * The error of a run none of whose items was recognised, a single item among them; undefined where one was, or there
 * were none.
 */
export function failureOf({ items, failed, first }: Outcome): MienError | undefined {
  if (failed === 0 || failed < items) return undefined;
  if (items > 1)
    return new MienError('data', `none of the ${items} items could be recognised`, {
      hint: first && `The first: ${first.error.message}`,
    });
  return new MienError('data', first?.error.message ?? 'the item could not be recognised', {
    hint: first?.warnings.map(({ message }) => `note: ${message}`).join('\n'),
  });
}
