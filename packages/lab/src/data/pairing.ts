// Cross-dataset pairing (Algorithm 1 of the paper): assigns every text a face of its label, anew for every epoch.
import { MienError, randomStream, withDefaults } from 'mien-engine/base';

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
        hint: `Pair only texts of the shared labels, with faces of one split; these faces have ${
          [...facesOf.keys()].sort().join(', ') || 'no label'
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
    const candidates = facesOf.get(target)!;
    return candidates[stream.integer(candidates.length)]!;
  });
}
