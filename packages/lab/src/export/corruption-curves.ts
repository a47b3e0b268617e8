// How a bundle's answers to test pairs change as text or face gets worse, and which side its gate then prefers.
import { randomStream } from 'mien-engine/base';
import { type Progress, silentProgress } from 'mien/parts/base';
import type { Encoded, OpenBundle, Sides } from 'mien/parts/bundle';
import type { ProtocolFace, ProtocolText } from 'mien/parts/data';
import { restrictPosteriors, type Scores } from 'mien/parts/evaluate';
import { corruptFace, corruptText, wordsOf, type FaceCorruption, type TextCorruption } from './corruption.js';
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
  readonly as: TextCorruption | FaceCorruption | null;
  readonly of: 'text' | 'face' | null;
  /** As `corruptText` and `corruptFace` take it. */
  readonly level: number;
  readonly n: number;
  readonly fused: number;
  readonly product: number;
  readonly text: number;
  readonly face: number;
  /** Mean of the gate, the face's share; null for a head without a gate. */
  readonly gate: number | null;
}

const TEXT_LEVELS: readonly (readonly [TextCorruption, readonly number[]])[] = [
  ['words dropped', [0.25, 0.5, 0.75, 1]],
  ['words replaced', [0.25, 0.5, 0.75, 1]],
];
const FACE_LEVELS: readonly (readonly [FaceCorruption, readonly number[]])[] = [
  ['blur', [0.03, 0.06, 0.1]],
  ['occlusion', [0.2, 0.4, 0.6]],
  ['noise', [0.1, 0.25, 0.5]],
  ['contrast lost', [0.9]],
];
const pointsOf = <Kind>(levels: readonly (readonly [Kind, readonly number[]])[]) =>
  levels.flatMap(([as, of]) => of.map((level) => ({ as, level })));

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
  const others = texts.flatMap((one) => wordsOf(one.text));

  const worseTexts: (Change & { encoded: Encoded })[] = [];
  for (const { as, level } of pointsOf(TEXT_LEVELS)) {
    const worse = texts.map(({ item, text: own }) =>
      corruptText(own, as, level, randomStream(SEED, `${as} of ${item.id}`), others),
    );
    worseTexts.push({ of: 'text', as, level, encoded: await bundle.texts(worse) });
  }
  const points: CorruptionPoint[] = [];
  progress.begin('corrupted faces', PAIRED.length * pointsOf(FACE_LEVELS).length * texts.length, 'faces');
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
    for (const { as, level } of pointsOf(FACE_LEVELS)) {
      const encoded = await encodeFaces(
        bundle,
        faces,
        (image, i) => corruptFace(image, as, level, randomStream(SEED, `${as} of ${faces[i]!.item.id}`)),
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
