// Cross-dataset pairing (Algorithm 1 of the paper): assigns every text a face of its label, anew for every epoch; and a
// voice, drawn independently of the face.
import { MienError, randomStream, withDefaults } from 'mien-engine/base';
import type { Modality } from 'mien/parts/bundle';

export interface PairingOptions {
  /** Draw a face of a random *other* label instead, for control experiments. */
  readonly mismatch?: boolean;
  /** Name of the random stream; pairings under different names are independent. */
  readonly stream?: string;
}

interface Labelled {
  readonly label: string;
}

/**
 * For every text, the index of a face drawn uniformly with replacement from the faces of the text's label. Both lists
 * should be of the same split. `index` selects one of the pairings of a seed: the epoch in training, the number of the
 * pairing in tests. With `mismatch`, a label is first drawn uniformly from the other labels of these texts. Pairing
 * presupposes the label, at test time too.
 * @returns indices into `faces`, `[texts]`
 * @throws MienError `data` if a label has no face or, with `mismatch`, if there is no other label
 */
export function pairFaces(
  texts: readonly Labelled[],
  faces: readonly Labelled[],
  seed: number,
  index: number,
  options: PairingOptions = {},
): Int32Array {
  const { mismatch, stream } = withDefaults<Required<PairingOptions>>(
    options,
    { mismatch: false, stream: 'pairing' },
    'pairFaces',
  );
  return drawn(texts, faces, 'face', { seed, index, stream, mismatch });
}

/** What texts are paired with. */
export type Partner = Exclude<Modality, 'text'>;

/**
 * As `pairFaces`, with an item of each of these modalities: label-matched triples for faces and voices. Given the label, the
 * items of a text are independent, drawn from a stream for each modality, and do not depend on which others are drawn: the
 * faces are those of `pairFaces`.
 * @returns for each modality indices into its items, `[texts]`
 * @throws MienError `data` if a label has no item of a modality
 */
export function pairModalities<M extends Partner>(
  texts: readonly Labelled[],
  items: Readonly<Record<M, readonly Labelled[]>>,
  seed: number,
  index: number,
  stream = 'pairing',
): Record<M, Int32Array> {
  const entries = Object.entries(items) as [M, readonly Labelled[]][];
  return Object.fromEntries(
    entries.map(([modality, candidates]) => [
      modality,
      drawn(texts, candidates, modality, {
        seed,
        index,
        stream: modality === 'face' ? stream : `${stream}/${modality}`,
        mismatch: false,
      }),
    ]),
  ) as Record<M, Int32Array>;
}

function drawn(
  texts: readonly Labelled[],
  items: readonly Labelled[],
  what: Partner,
  options: Required<PairingOptions> & { readonly seed: number; readonly index: number },
): Int32Array {
  const { seed, index, mismatch, stream: name } = options;
  const itemsOf = new Map<string, number[]>();
  items.forEach(({ label }, item) => {
    const list = itemsOf.get(label);
    if (list === undefined) itemsOf.set(label, [item]);
    else list.push(item);
  });
  const labels = [...new Set(texts.map(({ label }) => label))].sort();
  for (const label of labels)
    if (!itemsOf.has(label))
      throw new MienError('data', `no ${what} of label "${label}" to pair with texts of that label`, {
        hint: `Pair only texts of the shared labels, with ${what}s of one split; these ${what}s have ${
          [...itemsOf.keys()].sort().join(', ') || 'no label'
        }.`,
      });
  if (mismatch && labels.length < 2 && texts.length > 0)
    throw new MienError('data', 'a mismatched pairing needs texts of at least two labels');
  const stream = randomStream(seed, mismatch ? `${name}/mismatch` : name, index);
  return Int32Array.from(texts, ({ label }) => {
    let target = label;
    if (mismatch) {
      const excluded = labels.indexOf(label);
      const other = stream.integer(labels.length - 1);
      target = labels[other < excluded ? other : other + 1]!;
    }
    const candidates = itemsOf.get(target)!;
    return candidates[stream.integer(candidates.length)]!;
  });
}
