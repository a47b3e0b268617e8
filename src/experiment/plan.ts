// What is trained, as data: every head with its labels, faces and sampling.
import { FACE_LABELS, TEXT_LABELS } from '../data/labels.js';
import type { HeadName } from '../models/heads.js';
import type { Config } from './config.js';
import type { FaceSource } from './data.js';

/** A head to be trained, once a seed. */
export interface ModelSpec {
  /** Names its folder: `gated-fer2013`. */
  readonly key: string;
  readonly head: HeadName;
  readonly labels: readonly string[];
  /** Whose faces it sees; null for text. */
  readonly faces: FaceSource | null;
  /**
   * An epoch is every text once (`texts`), every face once (`faces`), or every text with a face of its label drawn
   * anew (`pairs`). A face head trained on `pairs` sees the texts' label distribution and reads the faces only.
   */
  readonly sampling: 'texts' | 'faces' | 'pairs';
}

export const FACE_SOURCES = ['fer2013', 'rafdb', 'both'] as const satisfies readonly FaceSource[];

/** Fused heads of the ablation, trained on the main row's faces; of other faces only the paper's and further heads are. */
const FUSED: readonly HeadName[] = ['concatenation', 'gated', 'gated-no-lstm', 'static-gate'];

/** The fused heads trained with these faces. */
export const fusedHeads = ({ pairing, furtherHeads }: Config, faces: FaceSource): readonly HeadName[] => [
  ...new Set([...(faces === pairing.faces ? FUSED : (['gated'] as const)), ...furtherHeads]),
];

export const textModel = (labels: readonly string[]): ModelSpec => ({
  key: `text-${labels.length}`,
  head: 'text',
  labels,
  faces: null,
  sampling: 'texts',
});

/** The face head on the labels of the pairs. */
export const pairedFaceModel = (labels: readonly string[], faces: FaceSource): ModelSpec => ({
  key: `face-${labels.length}-${faces}`,
  head: 'face',
  labels,
  faces,
  sampling: 'pairs',
});

/** The face head on all seven labels, as the data sets have them. */
export const sevenFaceModel = (faces: FaceSource): ModelSpec => ({
  key: `face-7-${faces}`,
  head: 'face',
  labels: FACE_LABELS,
  faces,
  sampling: 'faces',
});

export const fusedModel = (head: HeadName, labels: readonly string[], faces: FaceSource): ModelSpec => ({
  key: `${head}-${faces}`,
  head,
  labels,
  faces,
  sampling: 'pairs',
});

/** Every head that the tables need; the longest to train come first, so that workers end together. */
export function modelsOf(config: Config): ModelSpec[] {
  const { labels } = config;
  return [
    ...FACE_SOURCES.toReversed().map(sevenFaceModel),
    ...FACE_SOURCES.flatMap((faces) =>
      fusedHeads(config, faces).map((head) => fusedModel(head, labels, faces)),
    ),
    ...FACE_SOURCES.map((faces) => pairedFaceModel(labels, faces)),
    textModel(TEXT_LABELS),
    textModel(labels),
  ];
}
