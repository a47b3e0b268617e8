// The additive projection of a fused model, which shows how much of its accuracy depends on interactions of modalities.
import { MienError } from 'mien-engine/base';
import { rowCount, scores, type Scores } from 'mien/parts/evaluate';

/** Logits `[n, classes]` of the pairs (texts[i], faces[i]). */
export type PairLogits = (texts: Int32Array, faces: Int32Array) => Promise<Scores>;

/** Indices of n items of each modality; pair i consists of the i-th of both. */
export interface PairRows {
  readonly texts: Int32Array;
  readonly faces: Int32Array;
}

/** Pairs per evaluation. */
const BATCH = 4096;

/**
 * The empirical multimodally-additive projection of a model, `[n, classes]` logits of the pairs:
 *
 *     f̃(t_i, v_i) = mean_j f(t_i, v_j) + mean_j f(t_j, v_i) − mean_jk f(t_j, v_k)
 *
 * No function of the form a(t) + b(v) is closer to f in squared error. What f predicts better than f̃ is due to
 * interactions of text and face; if both are equally accurate, two separate models would suffice.
 *
 * The means are over `anchors`; the original uses all n items of the set, n² evaluations. For an additive model any
 * anchors give the model itself; for others a sample approximates f̃ up to the sampling of interactions.
 * Source: Hessel & Lee 2020, "Does my multimodal model learn cross-modal interactions? It's harder to tell than you
 * might think!", section 3.
 * @throws MienError `shape` if there are no anchors or the numbers of items of the modalities differ
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

/** For each item, the mean logits over all `partners`; repeated items are computed once. */
async function meansOver(
  logits: PairLogits,
  all: Int32Array,
  partners: Int32Array,
  order: <T>(item: T, partner: T) => [text: T, face: T],
): Promise<Scores<Float64Array>> {
  const positionOf = new Map<number, number>();
  for (const item of all) if (!positionOf.has(item)) positionOf.set(item, positionOf.size);
  const items = Int32Array.from(positionOf.keys());
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
    const start = positionOf.get(item)! * classes;
    data.set(means.subarray(start, start + classes), i * classes);
  });
  return scores(classes, data);
}
