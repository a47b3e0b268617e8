// The one in-memory form of embeddings with labels and splits that experiments run on, whether they come from
// feature stores (full width) or from a feature pack (reduced and quantised).
import type { Tensor } from 'mien-engine/base';
import type { EncoderIdentity } from 'mien/parts';

export type Split = 'train' | 'validation' | 'test';

/** FER2013's official parts; `unknown` for test images whose file names do not tell the two apart. */
export type Fer2013Usage = 'Training' | 'PublicTest' | 'PrivateTest' | 'unknown';

/** n embedded items of one data set after cleaning; all per-item arrays have the same order. */
export interface FeatureSet {
  /** Opaque, stable names of the items, unique in the set. */
  readonly ids: readonly string[];
  /** Pooled embeddings `[n, d]`, not standardised. */
  readonly embeddings: Tensor<'float32'>;
  /** Names of the labels, lower case, alphabetical. */
  readonly labelNames: readonly string[];
  /** `[n]`: index into `labelNames`. */
  readonly labels: Uint8Array;
  /** `[n]`; validation is a part of the training split. */
  readonly split: readonly Split[];
  /** `[n]`: who it comes from, as a number without meaning; −1 where the data set does not say. */
  readonly subject: Int32Array;
  /** `[n]`: items of one group are never on two sides: (near-)duplicates, for texts also those of one subject. */
  readonly group: Int32Array;
}

export interface Fer2013FeatureSet extends FeatureSet {
  /** `[n]`: the official part each image stands in. */
  readonly usage: readonly Fer2013Usage[];
}

/** `corpora`: texts of other corpora than ISEAR, where they were asked for. */
export type SetName = 'isear' | 'corpora' | 'fer2013' | 'rafdb';

/** By set; of the corpora only where there are texts of them. */
export type BySet<T> = Readonly<Record<Exclude<SetName, 'corpora'>, T> & { corpora?: T }>;

/** What a number computed from a feature set must be able to state about it. */
export interface SetProvenance {
  /** The encoder of the full embeddings. */
  readonly encoder: EncoderIdentity;
  /** Items per split, after cleaning. */
  readonly counts: Readonly<Record<Split, number>>;
  /** Width of the embeddings here, and as the encoder gives them. */
  readonly width: number;
  readonly fullWidth: number;
  /** Under which terms the data set may be used. */
  readonly terms: string;
}

export interface Reduction {
  /** Principal components kept. */
  readonly components: number;
  /** Bits an item. */
  readonly bits: number;
  /** Share of the training variance (of standardised embeddings) that the components keep. */
  readonly variance: number;
  /** Share of it that is lost in all, to left-out components and to quantisation. */
  readonly lost: number;
}

/** How a pack was reduced; absent where the embeddings are the encoder's own. */
interface PackProvenance {
  /** SHA-256 of the pack's safetensors file. */
  readonly sha256: string;
  readonly reduction: BySet<Reduction>;
  /** What packing costs against the full features, as measured by the experiment; null until measured. */
  readonly cost: unknown;
}

interface Provenance {
  readonly source: 'store' | 'pack';
  readonly sets: BySet<SetProvenance>;
  /** The settings of cleaning and splitting, as the data floor states them. */
  readonly protocol: Readonly<Record<string, unknown>>;
  readonly pack?: PackProvenance;
}

/** Everything an experiment runs on. */
export interface FeatureSets {
  /** ISEAR's. */
  readonly texts: FeatureSet;
  /** Texts of other corpora, by the same encoder and over the faces' labels. */
  readonly corpora?: FeatureSet;
  readonly faces: { readonly fer2013: Fer2013FeatureSet; readonly rafdb: FeatureSet };
  readonly provenance: Provenance;
}

export const SET_NAMES = ['isear', 'corpora', 'fer2013', 'rafdb'] as const satisfies readonly SetName[];

/** How many items stand in each split. */
export function countSplits(split: readonly Split[]): Record<Split, number> {
  const counts = { train: 0, validation: 0, test: 0 };
  for (const name of split) counts[name]++;
  return counts;
}

/** Splits and usages by the numbers that stand for them in files. */
export const SPLITS = ['train', 'validation', 'test'] as const satisfies readonly Split[];
export const USAGES = [
  'Training',
  'PublicTest',
  'PrivateTest',
  'unknown',
] as const satisfies readonly Fer2013Usage[];
