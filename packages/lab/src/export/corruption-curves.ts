// How a bundle's answers to test pairs change as text or face gets worse, and which side its gate then prefers.
import { randomStream } from 'mien-engine/base';
import { type Progress, silentProgress } from 'mien/parts/base';
import type { Encoded, OpenBundle, Sides } from 'mien/parts/bundle';
import type { ProtocolFace, ProtocolText } from 'mien/parts/data';
import { restrictPosteriors, type Scores } from 'mien/parts/evaluate';
import { corrupt, degreesOf } from '../modalities/corruption.js';
import { type CorruptionKind, corruptions } from '../modalities/list.js';
import type { Paired } from '../train/head-graph.js';
import { encodeFaces } from './encode-faces.js';
import {
  accuracyOf,
  decidedBy,
  drawFaces,
  facesOf,
  indices,
  labelsAmong,
  PAIRED,
  pickRows,
  type Tested,
} from './pair-tests.js';

/** One point of the curves: pairs of which one side was made worse. Accuracies are shares. */
export interface CorruptionPoint {
  /** `ISEAR × RAF-DB` */
  readonly name: string;
  /** What was done to one side; null where nothing was. */
  readonly as: CorruptionKind<Paired> | null;
  readonly of: Paired | null;
  /** As `corrupt` takes it. */
  readonly level: number;
  readonly n: number;
  readonly fused: number;
  readonly product: number;
  readonly text: number;
  readonly face: number;
  /** Mean of the gate, the face's share; null for a head without a gate. */
  readonly gate: number | null;
}

/**
 * Pairs per set: enough for a curve (an accuracy's standard error is .017 at .85), few enough to encode again and
 * again.
 */
const PAIRS = 400;
const SEED = 0;

/** The curves on `most` pairs of each set; none of a bundle that does not fuse. */
export async function corruptionCurves(
  bundle: OpenBundle,
  allTexts: Tested<ProtocolText>,
  allFaces: Tested<ProtocolFace>,
  { progress = silentProgress, most = PAIRS }: { readonly progress?: Progress; readonly most?: number } = {},
): Promise<CorruptionPoint[]> {
  const { text, face, fusion } = bundle.manifest;
  if (!text || !face || !fusion) return [];
  const { labels } = fusion;
  const among = labelsAmong(labels, allTexts.items);
  const shared = allTexts.items.flatMap((one, i) => (among.includes(one.label) ? [i] : []));
  const order = randomStream(SEED, 'corrupted pairs').permutation(shared.length);
  const textRows = Array.from(order.slice(0, most), (position) => shared[position]!);
  const texts = textRows.map((i) => allTexts.items[i]!);
  const clean = pickRows(allTexts, textRows);
  const truth = indices(texts, among);
  const words = corruptions.text.othersOf(texts.map((one) => one.text));
  const drawOf = (as: string, { item }: ProtocolText | ProtocolFace) =>
    randomStream(SEED, `${as} of ${item.id}`);

  const worseTexts: (Change & { encoded: Encoded })[] = [];
  for (const { as, level } of degreesOf(corruptions.text)) {
    const worse = texts.map((one) => corrupt(corruptions.text, one.text, as, level, drawOf(as, one), words));
    worseTexts.push({ of: 'text', as, level, encoded: await bundle.texts(worse) });
  }
  const points: CorruptionPoint[] = [];
  const degrees = degreesOf(corruptions.face);
  progress.begin('corrupted faces', PAIRED.length * degrees.length * texts.length, 'faces');
  for (const [set, dataset] of PAIRED) {
    const name = `ISEAR × ${set}`;
    const pool = facesOf(allFaces.items, dataset, among);
    if (pool.length === 0) continue;
    const faceRows = drawFaces(texts, allFaces.items, pool, 0);
    const faces = faceRows.map((i) => allFaces.items[i]!);
    const cleanFaces = pickRows(allFaces, faceRows);
    const add = async (change: Change, ofTexts: Encoded, ofFaces: Encoded): Promise<void> => {
      const pairs = { text: ofTexts, face: ofFaces };
      const posteriorsBy = decidedBy(bundle, pairs);
      const right = (posteriors: Scores, own: readonly string[]): number =>
        accuracyOf(restrictPosteriors(posteriors, own, among), truth);
      points.push({
        name,
        ...change,
        n: texts.length,
        fused: right(await posteriorsBy('answer', labels), labels),
        product: right(await posteriorsBy('product', labels), labels),
        text: right(await posteriorsBy('text posterior', text.labels), text.labels),
        face: right(await posteriorsBy('face posterior', face.labels), face.labels),
        gate: bundle.decision.outputs.has('gate') ? await meanGate(bundle, pairs) : null,
      });
    };
    await add({ of: null, as: null, level: 0 }, clean, cleanFaces);
    for (const { encoded, ...change } of worseTexts) await add(change, encoded, cleanFaces);
    for (const { as, level } of degrees) {
      const encoded = await encodeFaces(
        bundle,
        faces,
        (image, i) => corrupt(corruptions.face, image, as, level, drawOf(as, faces[i]!), undefined),
        progress,
      );
      await add({ of: 'face', as, level }, clean, encoded);
    }
  }
  progress.end();
  return points;
}

type Change = Pick<CorruptionPoint, 'of' | 'as' | 'level'>;

async function meanGate({ decision }: OpenBundle, pairs: Sides): Promise<number> {
  const { data } = (await decision.run(pairs, ['mean gate']))['mean gate'];
  return data.reduce((sum, value) => sum + value, 0) / data.length;
}
