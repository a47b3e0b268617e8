// The data sets as loaded: items, what was skipped, and the protocol that splits them.
import type { FaceLabel, TextLabel } from './labels.js';

export type FaceDataset = 'fer2013' | 'rafdb';

/** One ISEAR answer. */
export interface TextItem {
  /** Stable within a file: `isear/00001` is the first record after the header. */
  readonly id: string;
  /** As in the file, with line breaks and quotes repaired; `normalizeText` prepares it for an encoder. */
  readonly text: string;
  readonly label: TextLabel;
  /** Its writer (column `ID`); only in the original form. */
  readonly subject?: string;
  readonly country?: string;
  readonly sex?: string;
  /** Years. */
  readonly age?: number;
  readonly file: string;
  /** 1-based line on which the record begins. */
  readonly row: number;
}

/** A face's pixels: in an image file, or in memory (from a CSV). */
export type FaceImage =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'pixels';
      readonly width: number;
      readonly height: number;
      /** Grey, 8 bit, row-major. */
      readonly data: Uint8Array;
    };

/** How many of FER+'s annotators chose each label for a picture. */
export interface FaceVotes {
  readonly labels: Readonly<Record<FaceLabel, number>>;
  /** A label that is not among the seven. */
  readonly contempt: number;
  /** Voters who could not tell. */
  readonly unknown: number;
  /** Voters who saw no face. */
  readonly noFace: number;
}

/** One face image with its published label and split. */
export interface FaceItem {
  /** Stable: `fer2013/train/joy/Training_10019449`, `fer2013/Training/00001` (CSV), `rafdb/train_00001`. */
  readonly id: string;
  readonly label: FaceLabel;
  readonly dataset: FaceDataset;
  /** The official split. */
  readonly split: 'train' | 'test';
  /** FER2013's name of the split; missing when the file names do not distinguish its two test sets. */
  readonly usage?: 'Training' | 'PublicTest' | 'PrivateTest';
  readonly image: FaceImage;
  /** FER+'s votes, if available. */
  readonly votes?: FaceVotes;
  /** The file it comes from (the image itself, or the CSV). */
  readonly file: string;
  /** 1-based line, for a CSV or a label list. */
  readonly row?: number;
}

/** An item skipped because of `skipInvalid`. */
export interface Skipped {
  readonly file: string;
  readonly row?: number;
  readonly reason: string;
}

export interface DataSetOptions {
  /** Skip bad rows and files and list them in `skipped`, instead of throwing at the first. */
  readonly skipInvalid?: boolean;
}

export type IsearForm = 'pipe' | 'sentiment-content' | 'emotions-statements' | 'headerless';
type Fer2013Form = 'folders' | 'csv';
type RafdbForm = 'folders' | 'official';

/** A loaded set: its items, what was skipped, and warnings. */
export interface Loaded<Item, Form extends string> {
  /** The file or folder that was read. */
  readonly path: string;
  readonly form: Form;
  readonly items: readonly Item[];
  readonly skipped: readonly Skipped[];
  readonly warnings: readonly string[];
}

export type LoadedIsear = Loaded<TextItem, IsearForm>;
export type LoadedFer2013 = Loaded<FaceItem, Fer2013Form>;
export type LoadedRafdb = Loaded<FaceItem, RafdbForm>;

/** Any of the three sets. */
export interface DataSets {
  readonly isear?: LoadedIsear;
  readonly fer2013?: LoadedFer2013;
  readonly rafdb?: LoadedRafdb;
}

export type Split = 'train' | 'validation' | 'test';

export type DropReason =
  // texts
  | 'empty'
  | 'no response'
  | 'refers to another answer'
  | 'several labels'
  | 'repeated in another split'
  // faces
  | 'constant'
  | 'copy in a test split'
  | 'near-duplicate in a test split'
  | 'unreadable';

/** An item's split, or why it was dropped. */
export type Assignment =
  | { readonly split: Split; readonly reason?: never }
  | { readonly split: 'dropped'; readonly reason: DropReason };

export type ProtocolText = Assignment & {
  readonly item: TextItem;
  readonly label: TextLabel;
  /** The normalised text, as encoders read it. */
  readonly text: string;
  /** Items of one group are never in two splits: the subject if known, else the duplicate text. */
  readonly group: number;
};

/** A text of a corpus other than ISEAR with one of the faces' labels. */
export interface CorpusText {
  /** `goemotions/ge-00001` */
  readonly id: string;
  /** A `CorpusName`. */
  readonly corpus: string;
  /** The normalised text, as encoders read it. */
  readonly text: string;
  readonly label: FaceLabel;
  readonly split: Split;
}

export type ProtocolFace = Assignment & {
  readonly item: FaceItem;
  readonly label: FaceLabel;
  /** Duplicate group: copies and near-duplicates, across both sets, share a number. */
  readonly group: number;
  /** Hexadecimal SHA-256 of the image file's bytes, or of the pixels; `''` when unreadable. */
  readonly sha256: string;
};

export interface ProtocolSettings {
  /** `clean`: cleaned and disjoint; `paper`: plain stratified 80/20 of all texts, faces as published. */
  readonly split: 'clean' | 'paper';
  readonly seed: number;
  /** Share of the texts that is held out for testing. */
  readonly testFraction: number;
  /** Share of training (texts and faces) that is held out for validation. */
  readonly validationFraction: number;
}

/** Split or drop reason → label → number of items. */
export type CountTable = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface SetCounts {
  /** Items read. */
  readonly total: number;
  /** Per split (`train`, `validation`, `test`) and label. */
  readonly splits: CountTable;
  /** Per drop reason and label. */
  readonly dropped: CountTable;
}

/** Images of one split that occur again in another. */
export interface Repeats {
  readonly from: string;
  readonly to: string;
  /** Items of `from` with an identical image in `to`. */
  readonly copies: number;
  /** Items of `from` with a near-duplicate, but no identical image, in `to`. */
  readonly near: number;
}

export interface FaceDuplicates {
  /** Groups of two and more. */
  readonly groups: number;
  /** Images in such groups. */
  readonly images: number;
  readonly largestGroup: number;
  /** Groups whose members have different labels. */
  readonly disagreeing: number;
  /** Images identical to an earlier one of their set, by set. */
  readonly copies: Readonly<Record<string, number>>;
  /** Pairs that match only when one of the two is mirrored. */
  readonly mirroredPairs: number;
  readonly repeats: readonly Repeats[];
}

/** A recording of acted speech with its split. */
export interface ProtocolVoice {
  /** `ravdess/03-01-05-02-02-01-02` */
  readonly id: string;
  readonly label: FaceLabel;
  readonly speaker: string;
  readonly split: Split;
  readonly file: string;
  /** Hexadecimal SHA-256 of the file. */
  readonly sha256: string;
}

/** Recordings of a corpus of speech, split by speaker. */
export interface ProtocolVoices {
  readonly items: readonly ProtocolVoice[];
  /** Who is heard in validation and in the test; all others are trained on. */
  readonly speakers: Readonly<Record<'validation' | 'test', readonly string[]>>;
  /** Clips that are no items, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** Every item of the loaded sets with its split, and the counts behind it; pairs are formed afterwards. */
export interface Protocol {
  readonly settings: ProtocolSettings;
  readonly texts: readonly ProtocolText[];
  readonly faces: readonly ProtocolFace[];
  /** Texts of other corpora, for pairs over labels that ISEAR lacks; missing unless requested. */
  readonly corpora?: readonly CorpusText[];
  /** Recordings, for triples with a voice; missing unless requested. */
  readonly voices?: ProtocolVoices;
  readonly counts: Readonly<Partial<Record<'isear' | FaceDataset, SetCounts>>>;
  /** Missing without faces. */
  readonly faceDuplicates?: FaceDuplicates;
  readonly skipped: readonly Skipped[];
  readonly warnings: readonly string[];
}
