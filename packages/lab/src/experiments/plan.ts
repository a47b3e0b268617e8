// What is trained, as data: every head with its labels, faces and sampling.
import { FACE_LABELS, TEXT_LABELS } from 'mien/parts/data';
import type { HeadName } from '../heads/heads.js';
import type { Config } from './config.js';
import type { FaceSource, TextSource } from './data.js';

/** A head to be trained, once a seed. */
export interface ModelSpec {
  /** Names its folder: `gated-fer2013`. */
  readonly key: string;
  readonly head: HeadName;
  readonly labels: readonly string[];
  /** Whose faces it sees; null for text. */
  readonly faces: FaceSource | null;
  /** Whose texts it sees, or whose label distribution; absent: ISEAR's. */
  readonly texts?: 'all';
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

/** A model on these texts: of all corpora its folder has a name of its own. */
const onTexts = (model: ModelSpec, texts: TextSource): ModelSpec =>
  texts === 'all' ? { ...model, key: `${model.key}-all`, texts } : model;

export const textOnlyModel = (labels: readonly string[], texts: TextSource = 'isear'): ModelSpec =>
  onTexts({ key: `text-${labels.length}`, head: 'text', labels, faces: null, sampling: 'texts' }, texts);

/** The face head on the labels of the pairs. */
export const pairedFaceModel = (
  labels: readonly string[],
  faces: FaceSource,
  texts: TextSource = 'isear',
): ModelSpec =>
  onTexts({ key: `face-${labels.length}-${faces}`, head: 'face', labels, faces, sampling: 'pairs' }, texts);

/** The face head on all seven labels, as the data sets have them. */
export const sevenFaceModel = (faces: FaceSource): ModelSpec => ({
  key: `face-7-${faces}`,
  head: 'face',
  labels: FACE_LABELS,
  faces,
  sampling: 'faces',
});

export const fusedModel = (
  head: HeadName,
  labels: readonly string[],
  faces: FaceSource,
  texts: TextSource = 'isear',
): ModelSpec => onTexts({ key: `${head}-${faces}`, head, labels, faces, sampling: 'pairs' }, texts);

/** Faces of the pairs over seven labels, which are not in the paper. */
export const SEVEN_SOURCES = ['fer2013', 'rafdb'] as const satisfies readonly FaceSource[];

/** Seeds of each of them, of the first of the configuration: they are to fit into the time of the paper's. */
export const SEVEN_SEEDS = 3;

/** The heads over the faces' seven labels, on the texts of all corpora. */
export const sevenModels = (): ModelSpec[] => [
  ...SEVEN_SOURCES.map((faces) => fusedModel('gated', FACE_LABELS, faces, 'all')),
  ...SEVEN_SOURCES.map((faces) => pairedFaceModel(FACE_LABELS, faces, 'all')),
  textOnlyModel(FACE_LABELS, 'all'),
];

/** Every head that the tables need; the longest to train come first, so that workers end together. */
export function modelsOf(config: Config): ModelSpec[] {
  const { labels } = config;
  return [
    ...FACE_SOURCES.toReversed().map(sevenFaceModel),
    ...FACE_SOURCES.flatMap((faces) =>
      fusedHeads(config, faces).map((head) => fusedModel(head, labels, faces)),
    ),
    ...FACE_SOURCES.map((faces) => pairedFaceModel(labels, faces)),
    textOnlyModel(TEXT_LABELS),
    textOnlyModel(labels),
  ];
}
