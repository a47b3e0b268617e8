// What the data floor hands to the floors above: items, loaded sets, and the protocol they are arranged in.
import type { FaceLabel, TextLabel } from './labels.js';

export type FaceDataset = 'fer2013' | 'rafdb';

/** One ISEAR answer. */
export interface TextItem {
  /** Stable within a file: `isear/00001` is the first record after the header. */
  readonly id: string;
  /** As in the file, with line breaks and quotes repaired; `normalizeText` makes it ready for an encoder. */
  readonly text: string;
  readonly label: TextLabel;
  /** Who wrote it (column `ID`); only the original form says so. */
  readonly subject?: string;
  readonly country?: string;
  readonly sex?: string;
  /** Years. */
  readonly age?: number;
  readonly file: string;
  /** 1-based line on which the record begins. */
  readonly row: number;
}

/** Where a face's pixels are: in an image file, or already in memory (from a CSV). */
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
  /** A label that the seven lack. */
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
  /** FER2013's own name of the split; missing where the file names do not tell the two tests apart. */
  readonly usage?: 'Training' | 'PublicTest' | 'PrivateTest';
  readonly image: FaceImage;
  /** FER+'s votes, where they were given. */
  readonly votes?: FaceVotes;
  /** The file it came from (the image itself, or the CSV). */
  readonly file: string;
  /** 1-based line, for a CSV or a label list. */
  readonly row?: number;
}

/** Something that was passed over because `skipInvalid` was given. */
export interface Skipped {
  readonly file: string;
  readonly row?: number;
  readonly reason: string;
}

export interface LoadOptions {
  /** Pass over bad rows and files and list them in `skipped`, instead of throwing at the first. */
  readonly skipInvalid?: boolean;
}

export type IsearForm = 'pipe' | 'sentiment-content' | 'emotions-statements' | 'headerless';
type Fer2013Form = 'folders' | 'csv';
type RafdbForm = 'folders' | 'official';

/** A loaded set: its items, what was skipped and what the reader should know. */
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

/** Any of the three sets; a set that is not there is left out. */
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

/** Where an item stands; `reason` is there exactly when it was dropped. */
export type Assignment =
  | { readonly split: Split; readonly reason?: never }
  | { readonly split: 'dropped'; readonly reason: DropReason };

export type ProtocolText = Assignment & {
  readonly item: TextItem;
  readonly label: TextLabel;
  /** The normalised text, what encoders read. */
  readonly text: string;
  /** Items of one group are never on two sides: the subject where named, else the duplicate text. */
  readonly group: number;
};

/** A text of another corpus than ISEAR that bears one of the faces' labels. */
export interface CorpusText {
  /** `goemotions/ge-00001` */
  readonly id: string;
  /** A `CorpusName`. */
  readonly corpus: string;
  /** What encoders read. */
  readonly text: string;
  readonly label: FaceLabel;
  readonly split: Split;
}

export type ProtocolFace = Assignment & {
  readonly item: FaceItem;
  readonly label: FaceLabel;
  /** Duplicate group: copies and near-duplicates, of both sets, share a number. */
  readonly group: number;
  /** Hexadecimal SHA-256 of the image file's bytes, or of the pixels; `''` when unreadable. */
  readonly sha256: string;
};

export interface ProtocolSettings {
  /** `clean`: cleaned and disjoint; `paper`: plain stratified 80/20 of all texts, faces as published. */
  readonly split: 'clean' | 'paper';
  readonly seed: number;
  /** Part of the texts that is test. */
  readonly testFraction: number;
  /** Part of training (texts and faces) that is held out for selection. */
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

/** How much of one set's split repeats in another place. */
export interface Repeats {
  readonly from: string;
  readonly to: string;
  /** Items of `from` with an identical image in `to`. */
  readonly copies: number;
  /** Items of `from` with a near-duplicate but no identical image in `to`. */
  readonly near: number;
}

export interface FaceDuplicates {
  /** Groups of two and more. */
  readonly groups: number;
  /** Images in such groups. */
  readonly images: number;
  readonly largestGroup: number;
  /** Groups whose members bear different labels. */
  readonly disagreeing: number;
  /** Images identical to an earlier one of their set, by set. */
  readonly copies: Readonly<Record<string, number>>;
  /** Pairs matched only after mirroring one of the two. */
  readonly mirroredPairs: number;
  readonly repeats: readonly Repeats[];
}

/** Split first, pair second: every item of the loaded sets with its place, and the counts behind it. */
export interface Protocol {
  readonly settings: ProtocolSettings;
  readonly texts: readonly ProtocolText[];
  readonly faces: readonly ProtocolFace[];
  /** Texts of other corpora, for pairs over labels that ISEAR lacks; missing where none were asked for. */
  readonly corpora?: readonly CorpusText[];
  readonly counts: Readonly<Partial<Record<'isear' | FaceDataset, SetCounts>>>;
  /** Missing when no faces were given. */
  readonly faceDuplicates?: FaceDuplicates;
  readonly skipped: readonly Skipped[];
  readonly warnings: readonly string[];
}
