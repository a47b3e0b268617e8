// Heads that do without a modality: which of theirs are there in a test, and which are left out in training.
import { randomStream } from 'mien-engine/base';
import type { Modality } from 'mien/parts/bundle';
import type { Items } from '../train/head-graph.js';

/** Every choice of one or more of the modalities: all of them first, then by number and order. */
export function choicesOf(modalities: readonly Modality[]): (readonly Modality[])[] {
  const all = Array.from({ length: 2 ** modalities.length - 1 }, (_, i) =>
    modalities.filter((_modality, m) => ((i + 1) >> m) & 1),
  );
  const place = (choice: readonly Modality[]): number =>
    choice.reduce((sum, modality) => sum * 10 + modalities.indexOf(modality), 0);
  return all.sort((a, b) => b.length - a.length || place(a) - place(b));
}

type Rows = Items & { readonly labels: Uint8Array };

/** The items without the modalities that are not chosen. */
export const limitedTo = (
  items: Rows,
  modalities: readonly Modality[],
  choice: readonly Modality[],
): Rows => ({
  ...items,
  ...Object.fromEntries(
    modalities.flatMap((modality) =>
      choice.includes(modality) ? [] : [[modality, new Int32Array(items.labels.length).fill(-1)]],
    ),
  ),
});

/**
 * The items of an epoch, each without every modality with probability `share`, independently; where all would be missing, one
 * of them stays. A function of its arguments alone.
 */
export function withMissing(
  items: Items,
  modalities: readonly Modality[],
  share: number,
  seed: number,
  epoch: number,
): Items {
  const stream = randomStream(seed, 'missing modalities', epoch);
  const rows = modalities.map((modality) => Int32Array.from(items[modality]!));
  for (let i = 0; i < items.labels.length; i++) {
    const missing = modalities.map(() => stream.uniform() < share);
    if (missing.every(Boolean)) missing[stream.integer(modalities.length)] = false;
    missing.forEach((isMissing, m) => {
      if (isMissing) rows[m]![i] = -1;
    });
  }
  return { ...items, ...Object.fromEntries(modalities.map((modality, m) => [modality, rows[m]!])) };
}
