// How much of a fused model's accuracy needs both modalities at once: the model's nearest additive one.
import { MienError } from 'mien-engine/base';
import { rowCount, scores, type Scores } from 'mien/parts';

/** Logits `[n, classes]` of the pairs (texts[i], faces[i]). */
export type PairLogits = (texts: Int32Array, faces: Int32Array) => Promise<Scores>;

/** n items of each modality, by any numbers that the model understands; pair i is the i-th of both. */
export interface PairRows {
  readonly texts: Int32Array;
  readonly faces: Int32Array;
}

/** Pairs evaluated at once. */
const BATCH = 4096;

/**
 * The empirical multimodally-additive projection of a model, `[n, classes]` logits of the pairs:
 *
 *     f̃(t_i, v_i) = mean_j f(t_i, v_j) + mean_j f(t_j, v_i) − mean_jk f(t_j, v_k)
 *
 * No function of the form a(t) + b(v) is nearer to f in squared error. What f predicts better than f̃ is what it owes
 * to text and face being seen together; where both are equally accurate, two separate models would have done.
 *
 * The means go over `anchors`; the original takes all n items of the set, n² evaluations. Of a model that is additive
 * already any anchors give the model itself, and of others a sample gives f̃ up to the sampling of its interactions.
 * Source: Hessel & Lee 2020, "Does my multimodal model learn cross-modal interactions? It's harder to tell than you
 * might think!", section 3.
 * @throws MienError `shape` when there is no anchor or the modalities differ in number.
 */
export async function additiveProjection(
  logits: PairLogits,
  { texts, faces }: PairRows,
  anchors: PairRows = { texts, faces },
): Promise<Scores<Float64Array>> {
  if (texts.length !== faces.length || anchors.texts.length === 0 || anchors.faces.length === 0)
    throw new MienError('shape', 'an additive projection needs as many texts as faces, and anchors of each');
  const byText = await meansOver(logits, texts, anchors.faces, (text, face) => [text, face]);
  const byFace = await meansOver(logits, faces, anchors.texts, (face, text) => [text, face]);
  const ofAnchors = await meansOver(logits, anchors.texts, anchors.faces, (text, face) => [text, face]);
  const { classes } = byText;
  const mean = new Float64Array(classes);
  ofAnchors.data.forEach((value, i) => (mean[i % classes]! += value / anchors.texts.length));
  return {
    classes,
    data: byText.data.map((value, i) => value + byFace.data[i]! - mean[i % classes]!),
  };
}

/** For each of `items`, the mean logits over all `partners`; items that are there twice are computed once. */
async function meansOver(
  logits: PairLogits,
  all: Int32Array,
  partners: Int32Array,
  order: <T>(item: T, partner: T) => [text: T, face: T],
): Promise<Scores<Float64Array>> {
  const placeOf = new Map<number, number>();
  for (const item of all) if (!placeOf.has(item)) placeOf.set(item, placeOf.size);
  const items = Int32Array.from(placeOf.keys());
  const size = Math.max(1, Math.floor(BATCH / partners.length));
  let means = new Float64Array(0);
  let classes = 1;
  for (let start = 0; start < items.length; start += size) {
    const part = items.subarray(start, start + size);
    const repeated = Int32Array.from(
      { length: part.length * partners.length },
      (_, i) => part[Math.floor(i / partners.length)]!,
    );
    const tiled = Int32Array.from(repeated, (_, i) => partners[i % partners.length]!);
    const found = await logits(...order(repeated, tiled));
    if (rowCount(found) !== repeated.length)
      throw new MienError('shape', `${rowCount(found)} rows of logits for ${repeated.length} pairs`);
    classes = found.classes;
    if (means.length === 0) means = new Float64Array(items.length * classes);
    for (let i = 0; i < repeated.length; i++) {
      const row = (start + Math.floor(i / partners.length)) * classes;
      for (let k = 0; k < classes; k++) means[row + k]! += found.data[i * classes + k]! / partners.length;
    }
  }
  const data = new Float64Array(all.length * classes);
  all.forEach((item, i) => {
    const start = placeOf.get(item)! * classes;
    data.set(means.subarray(start, start + classes), i * classes);
  });
  return scores(classes, data);
}
