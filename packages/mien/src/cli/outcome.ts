// The outcome of a run over items, which is an error if none was recognised.
import { MienError } from 'mien-engine/base';
import type { Failure } from '../recognizer/types.js';
import type { Predicted } from './predictions.js';

export interface Outcome {
  readonly items: number;
  readonly failed: number;
  /** The first failure, unless an earlier run had it. */
  readonly first?: Failure | undefined;
}

export const NO_ITEMS: Outcome = { items: 0, failed: 0 };

/** Adds items to an outcome. */
export function counted({ items, failed, first }: Outcome, more: readonly Predicted[]): Outcome {
  const failures = more.flatMap(({ result }) => (result.error ? [result] : []));
  return { items: items + more.length, failed: failed + failures.length, first: first ?? failures[0] };
}

/** The error of a run in which no item was recognised; undefined if one was, or there were no items. */
export function failureOf({ items, failed, first }: Outcome): MienError | undefined {
  if (failed === 0 || failed < items) return undefined;
  if (items > 1)
    return new MienError('data', `none of the ${items} items could be recognised`, {
      hint: first && `First error: ${first.error.message}`,
    });
  return new MienError('data', first?.error.message ?? 'the item could not be recognised', {
    hint: first?.warnings.map(({ message }) => `note: ${message}`).join('\n'),
  });
}
