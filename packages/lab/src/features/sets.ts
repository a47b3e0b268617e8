// The embeddings with labels and splits that experiments run on, whether from feature stores (full width) or from a
// feature pack (reduced and quantised), and the terms of use of their data sets.
import { defined, MienError, type Tensor } from 'mien-engine/base';
import type { Modality } from 'mien/parts/bundle';
import type { Split } from 'mien/parts/data';
import type { EncoderIdentity } from 'mien/parts/encoders';
import { corpusTerms } from '../data/corpora/definitions.js';
import { SPEECH_CORPORA } from '../data/speech-names.js';
import type { CorruptedItems } from './corrupted.js';

export type { Split };

/** FER2013's official parts; `unknown` for test images whose file names do not give the part. */
export type Fer2013Usage = 'Training' | 'PublicTest' | 'PrivateTest' | 'unknown';

/** n embedded items of one data set after cleaning; all arrays are in item order. */
export interface FeatureSet {
  /** Opaque, stable item names, unique in the set. */
  readonly ids: readonly string[];
  /** Pooled embeddings `[n, d]`, not standardised. */
  readonly embeddings: Tensor<'float32'>;
  /** Names of the labels, lower case, alphabetical. */
  readonly labelNames: readonly string[];
  /** `[n]`: index into `labelNames`. */
  readonly labels: Uint8Array;
  /** `[n]`; validation is a part of the training split. */
  readonly split: readonly Split[];
  /** `[n]`: an anonymous number for the subject; −1 if the data set does not identify subjects. */
  readonly subject: Int32Array;
  /** `[n]`: items of one group are never in two splits: (near-)duplicates, and texts of one subject. */
  readonly group: Int32Array;
  /** The test items made worse by degrees, where they were embedded too. */
  readonly corrupted?: readonly CorruptedItems[];
}

export interface Fer2013FeatureSet extends FeatureSet {
  /** `[n]`: the official part of each image. */
  readonly usage: readonly Fer2013Usage[];
}

/** The sets of each modality, which one encoder embeds; `corpora` are texts of corpora other than ISEAR. */
export const SETS_OF = {
  text: ['isear', 'corpora'],
  face: ['fer2013', 'rafdb'],
  voice: ['ravdess'],
} as const satisfies Record<Modality, readonly string[]>;

export type SetName = (typeof SETS_OF)[Modality][number];

export const SET_NAMES: readonly SetName[] = Object.values(SETS_OF).flat();

/** A set's store, and that of its test items made worse. */
export type StoreName = SetName | `${SetName} corrupted`;

export const STORE_NAMES: readonly StoreName[] = SET_NAMES.flatMap((name) => [
  name,
  `${name} corrupted` as const,
]);

/** Sets without which the paper's experiment cannot run. */
type NeededSet = Exclude<SetName, 'corpora' | 'ravdess'>;

/** By set; texts of corpora and voices only if there are any. */
export type BySet<T> = Readonly<Record<NeededSet, T> & Partial<Record<SetName, T>>>;

/** What results computed from a feature set must state about it. */
export interface SetProvenance {
  /** The encoder of the full embeddings. */
  readonly encoder: EncoderIdentity;
  /** Items per split, after cleaning. */
  readonly counts: Readonly<Record<Split, number>>;
  /** Width of these embeddings, and of the encoder's. */
  readonly width: number;
  readonly fullWidth: number;
  /** Terms of use of the data set. */
  readonly terms: string;
}

export interface Reduction {
  /** Number of principal components. */
  readonly components: number;
  /** Bits per item. */
  readonly bits: number;
  /** Share of the training variance (of standardised embeddings) in the components. */
  readonly variance: number;
  /** Share lost in total, by omitted components and by quantisation. */
  readonly lost: number;
}

/** How a pack was reduced; absent for full embeddings. */
interface PackProvenance {
  /** SHA-256 of the pack's safetensors file. */
  readonly sha256: string;
  readonly reduction: Readonly<Partial<Record<SetName, Reduction>>>;
  /** Loss against the full features, as measured by the experiment; null until measured. */
  readonly cost: unknown;
}

interface Provenance {
  readonly source: 'store' | 'pack';
  readonly sets: Readonly<Partial<Record<SetName, SetProvenance>>>;
  /** Settings and counts of cleaning and splitting. */
  readonly protocol: Readonly<Record<string, unknown>>;
  readonly pack?: PackProvenance;
}

interface Faces {
  readonly fer2013: Fer2013FeatureSet;
  readonly rafdb: FeatureSet;
}

/** The sets that a folder of stores or a pack has: an experiment's, or those of some modalities. */
export interface SomeSets {
  /** ISEAR's. */
  readonly texts?: FeatureSet;
  /** Texts of other corpora, with the same encoder and the faces' labels. */
  readonly corpora?: FeatureSet;
  readonly faces?: Faces;
  /** RAVDESS's, with the faces' labels. */
  readonly voices?: FeatureSet;
  readonly provenance: Provenance;
}

/** The data of an experiment. */
export interface FeatureSets extends SomeSets {
  readonly texts: FeatureSet;
  readonly faces: Faces;
  readonly provenance: Provenance & { readonly sets: BySet<SetProvenance> };
}

/** The sets by their names. */
export const setsByName = ({
  texts,
  corpora,
  faces,
  voices,
}: SomeSets): Readonly<Partial<Record<SetName, FeatureSet>>> =>
  defined({ isear: texts, corpora, ...faces, ravdess: voices });

/** @throws MienError `data` if a set is missing without which the paper's experiment cannot run */
export function completeSets(sets: SomeSets): FeatureSets {
  const missing =
    sets.texts === undefined ? 'isear' : sets.faces === undefined ? 'fer2013 and rafdb' : undefined;
  if (missing !== undefined)
    throw new MienError('data', `the experiment needs features of ${missing}, and there are none`, {
      hint: 'Specify a data folder with isear, fer2013 and rafdb.',
    });
  return sets as FeatureSets;
}

/** The sets with these voices, whose origin is stated beside that of the others. */
export const withVoices = (sets: FeatureSets, { voices, provenance }: SomeSets): FeatureSets => ({
  ...sets,
  ...defined({ voices }),
  provenance: {
    ...sets.provenance,
    sets: { ...sets.provenance.sets, ...defined({ ravdess: provenance.sets.ravdess }) },
    protocol: { ...sets.provenance.protocol, ...defined({ voices: provenance.protocol['voices'] }) },
  },
});

/** Number of items per split. */
export function countSplits(split: readonly Split[]): Record<Split, number> {
  const counts = { train: 0, validation: 0, test: 0 };
  for (const name of split) counts[name]++;
  return counts;
}

/** Splits and usages by their numbers in files. */
export const SPLITS = ['train', 'validation', 'test'] as const satisfies readonly Split[];
export const USAGES = [
  'Training',
  'PublicTest',
  'PrivateTest',
  'unknown',
] as const satisfies readonly Fer2013Usage[];

/** Terms of use of the data sets and of features made from them. */
const TERMS: Readonly<Record<Exclude<SetName, 'corpora'>, string>> = {
  isear:
    'ISEAR (International Survey on Emotion Antecedents and Reactions; Scherer & Wallbott 1994): research use with attribution.',
  fer2013:
    'FER2013 (Goodfellow et al. 2013, "Challenges in Representation Learning"): data of a Kaggle competition, for research; its images were collected from the web.',
  rafdb:
    'RAF-DB (Li, Deng & Du 2017, Real-world Affective Faces Database): non-commercial research only, by agreement with its authors.',
  ravdess: SPEECH_CORPORA.ravdess.terms,
};

export const termsOf = (set: Exclude<SetName, 'corpora'>): string => TERMS[set];

/** The terms of the corpora from which these items (`goemotions/ge-00001`) come. */
export const termsOfItems = (ids: readonly string[]): string =>
  corpusTerms([...new Set(ids.map((id) => id.slice(0, id.indexOf('/'))))]).join('; ');
