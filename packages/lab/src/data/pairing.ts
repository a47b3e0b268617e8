// Gives every text a face of its label (cross-dataset pairing, Algorithm 1 of the paper), afresh for every epoch.
import { MienError, randomStream, withDefaults } from 'mien-engine/base';

export interface PairingOptions {
  /** Take a face of a random *other* label instead, for control experiments. */
  readonly mismatch?: boolean;
  /** Name of the random stream; pairings under different names are independent. */
  readonly stream?: string;
}

interface Labelled {
  readonly label: string;
}

/**
 * For every text the index of a face, drawn uniformly and with replacement among the faces of the text's label. Both
 * lists should be of one split. `index` selects one of many pairings under the same seed: the epoch in training, the
 * pairing number in tests. With `mismatch` the label is first drawn uniformly among the other labels of these texts.
 * Pairing presupposes the label, at test time too.
 * @returns indices into `faces`, `[texts]`.
 * @throws MienError `data` when a label has no face, or, with `mismatch`, when there is no other label.
 */
export function pairFaces(
  texts: readonly Labelled[],
  faces: readonly Labelled[],
  seed: number,
  index: number,
  options: PairingOptions = {},
): Int32Array {
  const { mismatch, stream: name } = withDefaults<Required<PairingOptions>>(
    options,
    { mismatch: false, stream: 'pairing' },
    'pairFaces',
  );
  const facesOf = new Map<string, number[]>();
  faces.forEach(({ label }, face) => {
    const list = facesOf.get(label);
    if (list === undefined) facesOf.set(label, [face]);
    else list.push(face);
  });
  const labels = [...new Set(texts.map(({ label }) => label))].sort();
  for (const label of labels)
    if (!facesOf.has(label))
      throw new MienError('data', `no face of label "${label}" to pair with texts of that label`, {
        hint: `Pair texts of the shared labels only, with faces of one split; these faces have ${
          [...facesOf.keys()].sort().join(', ') || 'no label'
        }.`,
      });
  if (mismatch && labels.length < 2 && texts.length > 0)
    throw new MienError('data', 'a mismatched pairing needs texts of two labels at least');
  const stream = randomStream(seed, mismatch ? `${name}/mismatch` : name, index);
  return Int32Array.from(texts, ({ label }) => {
    let target = label;
    if (mismatch) {
      const own = labels.indexOf(label);
      const other = stream.integer(labels.length - 1);
      target = labels[other < own ? other : other + 1]!;
    }
    const candidates = facesOf.get(target)!;
    return candidates[stream.integer(candidates.length)]!;
  });
}
