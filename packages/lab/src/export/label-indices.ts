// The labels of a test set's items as indices, and the accuracy of scores against them.
import { argmax, type Scores } from 'mien/parts/evaluate';

/** Labels of items as indices. */
export const indices = (
  items: readonly { readonly label: string }[],
  labels: readonly string[],
): Uint8Array => Uint8Array.from(items, ({ label }) => labels.indexOf(label));

/** Share of the largest scores that are of the true label. */
export const accuracyOf = (values: Scores, truth: Uint8Array): number =>
  argmax(values).filter((label, i) => label === truth[i]).length / truth.length;
