// Fusion that allows for text and face of different labels, and for faces that tell less than those of training.
import { MienError } from 'mien-engine/base';
import { normalizeRows, type Scores } from './scores.js';

export interface Doubted {
  /** `[n, classes]` */
  readonly posteriors: Scores<Float64Array>;
  /** `[n]`: the probability that both tell of one label. */
  readonly agreement: Float64Array;
}

/**
 * What is to be said of pairs that most often, but not always, tell of one label in words and face.
 *
 * A fusion trained on label-matched pairs has never seen a contradiction and multiplies evidence as if there were none.
 * Let both tell of one label with probability α, and else each of a label of its own, drawn from π:
 *
 *     evidence for one label      s = Σ_y p_t(y) · p_v(y) / π(y)
 *     p(one label | t, v)           = α s / (α s + 1 − α)
 *     answer                        = p(one label) · fused + (1 − p(one label)) · (p_t + p_v) / 2
 *
 * Where they contradict each other s is small, and the answer becomes what each says by itself.
 *
 * Of what the face adds to the text only a share w may count: `fused` is then fused^w · p_t^(1 − w), renormalised, which
 * for a product of posteriors is p_t · (p_v / π)^w. In training pairs every face shows the label; in pictures that people
 * put beside their words it often shows a pose.
 * @param fused posteriors of the fusion, `[n, classes]`
 * @param text posteriors of the text alone under the prior π, `[n, classes]`
 * @param face likewise of the face
 * @param prior π, label distribution of the pairs
 * @param often α, from 0 to 1; 1 gives `fused` back
 * @param faceWeight w, from 0 to 1
 * @throws MienError `shape` when the four differ in labels or items.
 */
export function withDoubt(
  { fused, text, face }: Readonly<Record<'fused' | 'text' | 'face', Scores>>,
  prior: readonly number[],
  often: number,
  faceWeight = 1,
): Doubted {
  const { classes } = fused;
  for (const one of [text, face])
    if (one.classes !== classes || one.data.length !== fused.data.length || prior.length !== classes)
      throw new MienError('shape', 'posteriors to be mixed must have the same labels and items');
  const data = faceWeight === 1 ? fused.data : pooled(fused, text, faceWeight);
  const agreement = Float64Array.from({ length: data.length / classes }, (_, row) => {
    let same = 0;
    for (let k = 0; k < classes; k++)
      same += (text.data[row * classes + k]! * face.data[row * classes + k]!) / prior[k]!;
    return often === 1 ? 1 : 1 / (1 + (1 - often) / (often * same));
  });
  const posteriors = Float64Array.from(data, (value, i) => {
    const one = agreement[Math.floor(i / classes)]!;
    return one * value + ((1 - one) * (text.data[i]! + face.data[i]!)) / 2;
  });
  return { posteriors: { classes, data: posteriors }, agreement };
}

/** fused^w · text^(1 − w) of each row, renormalised; where they exclude each other nothing is left, and the text decides. */
const pooled = ({ classes, data }: Scores, text: Scores, w: number): Float64Array =>
  normalizeRows(
    { classes, data: Float64Array.from(data, (value, i) => value ** w * text.data[i]! ** (1 - w)) },
    (i) => text.data[i]!,
  ).data;
