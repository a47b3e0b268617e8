// A bundle whose answers can be told beforehand: a text says what its words say, a face what its colour says.
import { defined } from 'mien-engine/base';
import {
  add,
  cast,
  constant,
  createGraph,
  encodeModel,
  float32,
  gather,
  type Graph,
  input,
  matmul,
  mean,
  mul,
  sigmoid,
  sum,
  type Value,
} from 'mien-engine';
import {
  BUNDLE_FORMAT,
  type BundleManifest,
  type Decision,
  FILES,
  openBundle,
  type OpenBundle,
  openDecision,
  writeBundle,
} from 'mien/parts/bundle';
import { FACE_LABELS, SHARED_LABELS, TEXT_LABELS } from 'mien/parts/data';
import { type DecisionHead, decisionModel, type DecisionParts } from 'mien-lab';
import { bertTokenizerJson } from './pretrained.js';

/** Colours of the faces, RGB from 0 to 1. A face is of the label whose colour is nearest. */
export const COLOURS: Readonly<Record<(typeof FACE_LABELS)[number], readonly [number, number, number]>> = {
  anger: [1, 0, 0],
  disgust: [0, 1, 0],
  fear: [0, 0, 1],
  joy: [1, 1, 0],
  neutral: [0.5, 0.5, 0.5],
  sadness: [0, 1, 1],
  surprise: [1, 1, 1],
};

/** Words that the tokenizer knows; each label's name speaks for it, the others say nothing. */
const WORDS = [...TEXT_LABELS, 'the', 'day', 'i', 'felt', 'nothing'];
const FIRST_WORD = 104;
const SURE = 6;

const matrix = (graph: Graph, rows: readonly (readonly number[])[]): Value =>
  constant(graph, float32([rows.length, rows[0]!.length], rows.flat()));

/** Finer labels, and the label whose word speaks for each. */
const FINER: Readonly<Record<string, string>> = { glee: 'joy', grief: 'sadness' };
export const FINE_LABELS = Object.keys(FINER);

/** What `ids` `[batch, tokens]` speak for, each label's word once or more; with `fine` in finer labels too. */
function textModel(fine = false): Uint8Array {
  const graph = createGraph('text');
  const ids = input(graph, 'ids', 'int32', ['batch', 'tokens']);
  const table = Array.from({ length: FIRST_WORD + WORDS.length }, (_, id) =>
    TEXT_LABELS.map((label) => (WORDS[id - FIRST_WORD] === label ? 1 : 0)),
  );
  const embedding = sum(gather(matrix(graph, table), cast(ids, 'int64')), [1]);
  const logits = mul(embedding, SURE);
  if (!fine) return encodeModel(graph, { embedding, logits });
  const finer = TEXT_LABELS.map((label) => FINE_LABELS.map((one) => (FINER[one] === label ? 1 : 0)));
  return encodeModel(graph, { embedding, logits, fine: matmul(logits, matrix(graph, finer)) });
}

/** Nearness of the mean colour of `pixels` `[batch, height, width, 3]` to each label's. */
function faceModel(): Uint8Array {
  const graph = createGraph('face');
  const pixels = input(graph, 'pixels', 'uint8', ['batch', 'height', 'width', 3]);
  const embedding = mul(mean(cast(pixels, 'float32'), [1, 2]), 1 / 255);
  return encodeModel(graph, { embedding, logits: nearness(graph, embedding, FACE_LABELS) });
}

function nearness(graph: Graph, colour: Value, labels: readonly (keyof typeof COLOURS)[]): Value {
  const weight = [0, 1, 2].map((c) => labels.map((label) => 16 * COLOURS[label][c]!));
  const bias = labels.map((label) => -8 * COLOURS[label].reduce((total, value) => total + value * value, 0));
  return add(matmul(colour, matrix(graph, weight)), matrix(graph, [bias]));
}

/** The sum of what both say; its gate opens to the face where the text says nothing. */
const fusion: DecisionHead = ({ text, face }) => {
  const { graph } = text;
  const pick = TEXT_LABELS.map((label) => SHARED_LABELS.map((shared) => (shared === label ? SURE : 0)));
  const ones = TEXT_LABELS.map(() => [-4, -4]);
  return {
    logits: add(matmul(text, matrix(graph, pick)), nearness(graph, face, SHARED_LABELS)),
    gate: sigmoid(add(matmul(text, matrix(graph, ones)), 2)),
  };
};

const even = (n: number): number[] => Array.from({ length: n }, () => 1 / n);

export const legibleManifest: Omit<BundleManifest, 'files'> = {
  format: BUNDLE_FORMAT,
  name: 'legible',
  decision: FILES.decision,
  text: {
    model: FILES.text,
    tokenizer: FILES.tokenizer,
    labels: [...TEXT_LABELS],
    maxTokens: 8,
    width: 7,
    temperature: 1,
    prior: even(7),
  },
  face: {
    model: FILES.face,
    labels: [...FACE_LABELS],
    size: 48,
    width: 3,
    temperature: 1,
    prior: even(7),
  },
  fusion: {
    labels: [...SHARED_LABELS],
    head: 'gated',
    temperature: 1,
    prior: even(5),
  },
  terms: ['made for tests'],
};

/** Its files, with the decision that a manifest asks for. */
export const legibleFiles = (manifest: DecisionParts = legibleManifest): Record<string, Uint8Array> => ({
  [FILES.text]: textModel(manifest.text?.fine !== undefined),
  [FILES.face]: faceModel(),
  [FILES.decision]: decisionModel(manifest, fusion),
  [FILES.tokenizer]: new TextEncoder().encode(JSON.stringify(bertTokenizerJson(WORDS))),
});

/**
 * Opens the bundle; `without` leaves models out, `agreement` is how often words and face tell of one label, `trained` how
 * frequent labels were in training (all equally; one that is not named weighs 1), `faceWeight` the share of what a face adds.
 */
export function openLegible(
  without: readonly ('text' | 'face' | 'fusion')[] = [],
  agreement?: number,
  trained: Readonly<Record<string, number>> = {},
  faceWeight?: number,
): Promise<OpenBundle> {
  const under = <Part extends { readonly labels: readonly string[] }>(part: Part) => {
    const weights = part.labels.map((label) => trained[label] ?? 1);
    const total = weights.reduce((a, b) => a + b);
    return { ...part, prior: weights.map((weight) => weight / total) };
  };
  const { text, face, fusion: both, ...rest } = legibleManifest;
  const whole = {
    ...rest,
    text: under(text!),
    face: under(face!),
    fusion: { ...under(both!), ...defined({ agreement, faceWeight }) },
  };
  const parts = Object.entries(whole).filter(([name]) => !without.includes(name as 'text'));
  const manifest = { ...Object.fromEntries(parts), files: {} } as unknown as BundleManifest;
  return openBundle(manifest, legibleFiles(manifest), { threads: 1 });
}

/** The decision of a made-up bundle, by the product of posteriors where there are two modalities. */
export const openDecisionOf = (parts: DecisionParts): Promise<Decision> =>
  openDecision(
    { format: BUNDLE_FORMAT, name: 'made', decision: '', terms: [], ...parts },
    decisionModel(parts),
    {
      threads: 1,
    },
  );

/** Writes the bundle into a folder; with `fine` its texts know finer labels. */
export const writeLegible = (folder: string, { fine = false } = {}): Promise<BundleManifest> => {
  const text = { ...legibleManifest.text!, ...defined({ fine: fine ? FINE_LABELS : undefined }) };
  const manifest = { ...legibleManifest, text };
  return writeBundle(folder, manifest, legibleFiles(manifest));
};

/** A picture of one colour, as a face of the label. */
export function faceOf(label: keyof typeof COLOURS, size = 48) {
  const colour = COLOURS[label].map((value) => Math.round(255 * value));
  return {
    width: size,
    height: size,
    data: Uint8Array.from({ length: 3 * size * size }, (_, i) => colour[i % 3]!),
  };
}
