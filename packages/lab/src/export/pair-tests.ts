// Label-matched pairs of test texts and test faces: both together, and each alone with the other missing.
// An answer is judged among the labels that the texts' corpus has.
import { itemsAt, takeRows } from 'mien-engine/base';
import { pairFaces } from '../data/pairing.js';
import type { DecisionOutput, Encoded, LabelPrior, OpenBundle, Sides } from 'mien/parts/bundle';
import type { ProtocolFace } from 'mien/parts/data';
import {
  argmax,
  restrictPosteriors,
  type Scores,
  scores,
  testResult,
  type TestResult,
} from 'mien/parts/evaluate';
import { certaintyTest, type CertaintyTest } from './certainty-tests.js';

/** Data set of the faces. */
export const PAIRED = [
  ['FER2013', 'fer2013'],
  ['RAF-DB', 'rafdb'],
] as const;

const PAIRINGS = 3;
const SEED = 0;

interface Labelled {
  readonly label: string;
}

/** Items of one modality with what their encoder gave. */
export interface Tested<Item> extends Encoded {
  readonly items: readonly Item[];
}

/** Positions of faces of a data set with one of the labels. */
export const facesOf = (
  faces: readonly ProtocolFace[],
  dataset: ProtocolFace['item']['dataset'],
  labels: readonly string[],
): number[] =>
  faces.flatMap(({ item, label }, i) => (item.dataset === dataset && labels.includes(label) ? [i] : []));

/** For each text the position of a face of its label, among those at `pool`. */
export function drawFaces(
  texts: readonly Labelled[],
  faces: readonly ProtocolFace[],
  pool: readonly number[],
  pairing: number,
): number[] {
  const candidates = itemsAt(faces, pool);
  const drawn = pairFaces(texts, candidates, SEED, pairing, { stream: 'test pairing' });
  return itemsAt(pool, drawn);
}

/** Labels of items as indices. */
export const indices = (items: readonly Labelled[], labels: readonly string[]): Uint8Array =>
  Uint8Array.from(items, ({ label }) => labels.indexOf(label));

/** Share of the largest scores that are of the true label. */
export const accuracyOf = (values: Scores, truth: Uint8Array): number =>
  argmax(values).filter((label, i) => label === truth[i]).length / truth.length;

/** The labels that occur among the items. */
export const labelsAmong = (labels: readonly string[], items: readonly Labelled[]): string[] =>
  labels.filter((label) => items.some((one) => one.label === label));

export const pickRows = ({ embedding, logits }: Encoded, rows: readonly number[]): Encoded => ({
  embedding: takeRows(embedding, rows),
  logits: takeRows(logits, rows),
});

/** Posteriors of pairs by the bundle's decision: an output over these labels, under a prior. */
export const decidedBy =
  ({ decision }: OpenBundle, pairs: Sides) =>
  async (output: DecisionOutput, labels: readonly string[], prior?: LabelPrior): Promise<Scores> =>
    scores(labels.length, (await decision.run(pairs, [output], prior))[output]!.data);

/** Pairs fused by the head and by the product of posteriors, and each modality of the same pairs alone. */
export async function pairTests(
  bundle: OpenBundle,
  corpus: string,
  texts: Tested<Labelled>,
  faces: Tested<ProtocolFace>,
): Promise<{ readonly tests: readonly TestResult[]; readonly certainty: readonly CertaintyTest[] }> {
  const { text, face, fusion } = bundle.manifest;
  if (!text || !face || !fusion) return { tests: [], certainty: [] };
  const { labels } = fusion;
  const among = labelsAmong(labels, texts.items);
  const shared = texts.items.flatMap((one, i) => (among.includes(one.label) ? [i] : []));
  const sharedTexts = itemsAt(texts.items, shared);
  const tests: TestResult[] = [];
  const certainty: CertaintyTest[] = [];
  for (const [set, dataset] of PAIRED) {
    const name = `${corpus} × ${set}`;
    const pool = facesOf(faces.items, dataset, among);
    if (pool.length === 0) continue;
    const pairings = Array.from({ length: PAIRINGS }, (_, i) => drawFaces(sharedTexts, faces.items, pool, i));
    const ofTexts = pairings.flatMap(() => shared);
    const ofFaces = pairings.flat();
    const truth = Uint8Array.from(pairings.flatMap(() => [...indices(sharedTexts, among)]));
    const pairs = { text: pickRows(texts, ofTexts), face: pickRows(faces, ofFaces) };
    const posteriorsBy = decidedBy(bundle, pairs);
    const add = (as: string, posteriors: Scores) =>
      tests.push(testResult(`${name}, ${as}`, among, posteriors, truth, shared.length));
    const answer = await posteriorsBy('answer', labels);
    const head = await posteriorsBy('head posterior', labels, 'even');
    add(fusion.head, restrictPosteriors(head, labels, among));
    add('answer', restrictPosteriors(answer, labels, among));
    if (fusion.certainty)
      certainty.push(
        certaintyTest('fusion', name, fusion.certainty, {
          truth: truth.map((label) => labels.indexOf(among[label]!)),
          posteriors: answer,
        }),
      );
    const product = await posteriorsBy('product', labels);
    add('product of posteriors', restrictPosteriors(product, labels, among));
    const [textAlone, faceAlone] = [
      await posteriorsBy('text posterior', text.labels),
      await posteriorsBy('face posterior', face.labels),
    ];
    add('text alone', restrictPosteriors(textAlone, text.labels, among));
    add('face alone', restrictPosteriors(faceAlone, face.labels, among));
  }
  return { tests, certainty };
}
