// The additive projection of a fused model, which shows how much of its accuracy depends on interactions of modalities.
import { MienError } from 'mien-engine/base';
import { MODALITIES, type Modality } from 'mien/parts/bundle';
import { rowCount, scores, type Scores } from 'mien/parts/evaluate';

/** Indices of n items of each modality; pair (or triple) i consists of the i-th of each. */
export type ModalityRows = Readonly<Partial<Record<Modality, Int32Array>>>;

/** Logits `[n, classes]` of pairs or triples. */
export type FusedLogits = (rows: ModalityRows) => Promise<Scores>;

/** Pairs per evaluation. */
const BATCH = 4096;

/**
 * The empirical multimodally-additive projection of a model, `[n, classes]` logits of the pairs:
 *
 *     f̃(t_i, v_i) = mean_j f(t_i, v_j) + mean_j f(t_j, v_i) − mean_jk f(t_j, v_k)
 *
 * No function of the form a(t) + b(v) is closer to f in squared error. What f predicts better than f̃ is due to
 * interactions of text and face; if both are equally accurate, two separate models would suffice. For m modalities the
 * projection is the sum over them of the means with this modality's item fixed, minus (m − 1) times the mean over all.
 *
 * The means are over `anchors`, every combination of them; the original uses all n items of the set, n² evaluations. For an
 * additive model any anchors give the model itself; for others a sample approximates f̃ up to the sampling of interactions.
 * Source: Hessel & Lee 2020, "Does my multimodal model learn cross-modal interactions? It's harder to tell than you
 * might think!", section 3.
 * @throws MienError `shape` if there are no anchors or the numbers of items of the modalities differ
 */
export async function additiveProjection(
  logits: FusedLogits,
  rows: ModalityRows,
  anchors: ModalityRows = rows,
): Promise<Scores<Float64Array>> {
  const modalities = MODALITIES.filter((modality) => rows[modality] !== undefined);
  const lengths = new Set(modalities.map((modality) => rows[modality]!.length));
  if (lengths.size !== 1 || modalities.some((modality) => !anchors[modality]?.length))
    throw new MienError(
      'shape',
      'an additive projection needs as many items of each modality, and anchors of each',
    );
  const means: Scores<Float64Array>[] = [];
  for (const modality of modalities)
    means.push(await meansOver(logits, modality, rows[modality]!, othersOf(anchors, modalities, modality)));
  const [first, ...others] = means as [Scores<Float64Array>, ...Scores<Float64Array>[]];
  const main = modalities[0]!;
  const ofAnchors = await meansOver(logits, main, anchors[main]!, othersOf(anchors, modalities, main));
  const { classes } = first;
  const mean = new Float64Array(classes);
  ofAnchors.data.forEach((value, i) => (mean[i % classes]! += value / anchors[main]!.length));
  const data = first.data.map((value, i) => others.reduce((sum, one) => sum + one.data[i]!, value));
  return { classes, data: data.map((value, i) => value - others.length * mean[i % classes]!) };
}

/** Every combination of the anchors of the other modalities. */
function othersOf(
  anchors: ModalityRows,
  modalities: readonly Modality[],
  modality: Modality,
): Readonly<Partial<Record<Modality, Int32Array>>> {
  const others = modalities.filter((other) => other !== modality);
  const count = others.reduce((product, other) => product * anchors[other]!.length, 1);
  let repeat = count;
  return Object.fromEntries(
    others.map((other) => {
      const own = anchors[other]!;
      repeat /= own.length;
      const each = repeat;
      return [other, Int32Array.from({ length: count }, (_, i) => own[Math.floor(i / each) % own.length]!)];
    }),
  );
}

/** For each item of a modality, the mean logits over all `partners`; repeated items are computed once. */
async function meansOver(
  logits: FusedLogits,
  modality: Modality,
  all: Int32Array,
  partners: ModalityRows,
): Promise<Scores<Float64Array>> {
  const positionOf = new Map<number, number>();
  for (const item of all) if (!positionOf.has(item)) positionOf.set(item, positionOf.size);
  const items = Int32Array.from(positionOf.keys());
  const count = Object.values(partners)[0]?.length ?? 1;
  const size = Math.max(1, Math.floor(BATCH / count));
  let means = new Float64Array(0);
  let classes = 1;
  for (let start = 0; start < items.length; start += size) {
    const part = items.subarray(start, start + size);
    const n = part.length * count;
    const repeated = Int32Array.from({ length: n }, (_, i) => part[Math.floor(i / count)]!);
    const tiled = Object.entries(partners).map(([other, own]) => [
      other,
      Int32Array.from({ length: n }, (_, i) => own[i % count]!),
    ]);
    const found = await logits({ [modality]: repeated, ...Object.fromEntries(tiled) });
    if (rowCount(found) !== n)
      throw new MienError('shape', `${rowCount(found)} rows of logits for ${n} pairs`);
    classes = found.classes;
    if (means.length === 0) means = new Float64Array(items.length * classes);
    for (let i = 0; i < n; i++) {
      const row = (start + Math.floor(i / count)) * classes;
      for (let k = 0; k < classes; k++) means[row + k]! += found.data[i * classes + k]! / count;
    }
  }
  const data = new Float64Array(all.length * classes);
  all.forEach((item, i) => {
    const start = positionOf.get(item)! * classes;
    data.set(means.subarray(start, start + classes), i * classes);
  });
  return scores(classes, data);
}
