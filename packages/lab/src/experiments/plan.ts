// What is trained, as data: every head with its labels, faces and sampling.
import { MODALITIES, type Modality } from 'mien/parts/bundle';
import { FACE_LABELS, TEXT_LABELS } from 'mien/parts/data';
import { type HeadName, modalitiesOf } from '../heads/heads.js';
import type { Config } from './config.js';
import type { FaceSource, TextSource } from './data.js';

/** A head to be trained, once a seed. */
export interface ModelSpec {
  /** Names its folder: `gated-fer2013`. */
  readonly key: string;
  readonly head: HeadName;
  readonly labels: readonly string[];
  /** Whose faces it sees; null where it sees none. */
  readonly faces: FaceSource | null;
  /** Whose texts it sees, or whose label distribution; absent: ISEAR's. */
  readonly texts?: 'all';
  /**
   * An epoch is every text once (`texts`), every face once (`faces`), or every text with items of its label drawn
   * anew (`pairs`). A face head trained on `pairs` sees the texts' label distribution and reads the faces only.
   */
  readonly sampling: 'texts' | 'faces' | 'pairs';
  /** What a fused head reads; absent: text and face, as the paper's. */
  readonly modalities?: readonly Modality[];
  /** Whether it is trained with modalities missing, and tested with every choice of them. */
  readonly incomplete?: true;
}

/** What a model reads. */
export const readBy = ({ head, modalities }: ModelSpec): readonly Modality[] =>
  modalitiesOf(head, modalities);

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

/** Whose faces triples have: with real photographs and the most accurate of the faces alone. */
export const TRIPLE_FACES: FaceSource = 'rafdb';

/** Seeds of the heads on triples, of the first of the configuration. */
export const TRIPLE_SEEDS = 3;

/** The voice head on the labels of the texts. */
export const voiceModel = (labels: readonly string[], texts: TextSource = 'isear'): ModelSpec =>
  onTexts({ key: `voice-${labels.length}`, head: 'voice', labels, faces: null, sampling: 'pairs' }, texts);

/** The gated head on these modalities of triples: on text and face it is that of the pairs. */
export function tripleModel(
  modalities: readonly Modality[],
  labels: readonly string[],
  texts: TextSource = 'isear',
): ModelSpec {
  if (modalities.length === 2 && !modalities.includes('voice'))
    return fusedModel('gated', labels, TRIPLE_FACES, texts);
  const faces = modalities.includes('face') ? TRIPLE_FACES : null;
  const key = ['gated', ...modalities.filter((one) => one !== 'face'), ...(faces ? [faces] : [])].join('-');
  return onTexts({ key, head: 'gated', labels, faces, sampling: 'pairs', modalities }, texts);
}

/** The gated head on all three, trained with modalities missing. */
export function incompleteModel(labels: readonly string[], texts: TextSource = 'isear'): ModelSpec {
  const model = tripleModel(MODALITIES, labels, texts);
  return { ...model, key: `${model.key}-incomplete`, incomplete: true };
}

/** Pairs of modalities that triples have. */
export const TRIPLE_PAIRS = [
  ['text', 'face'],
  ['text', 'voice'],
  ['face', 'voice'],
] as const satisfies readonly (readonly Modality[])[];

/** The heads on triples that the paper's tables do not have already; over the seven labels those of all three only. */
export const tripleModels = (labels: readonly string[], texts: TextSource = 'isear'): ModelSpec[] => [
  tripleModel(MODALITIES, labels, texts),
  ...(texts === 'all'
    ? []
    : [
        incompleteModel(labels, texts),
        ...TRIPLE_PAIRS.filter((pair) => (pair as readonly Modality[]).includes('voice')).map((pair) =>
          tripleModel(pair, labels, texts),
        ),
      ]),
  voiceModel(labels, texts),
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
