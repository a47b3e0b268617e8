// What corpora of labelled texts have in common: items that may bear several labels, and what a corpus can tell apart.
import type { Label, Skipped, Split } from 'mien/parts';

export type CorpusName =
  'goemotions' | 'dair-emotion' | 'tweeteval-emotion' | 'xed-english' | 'semeval-2025' | 'emoevent';

/** One labelled text of a corpus. */
export interface CorpusItem {
  /** Unique within the corpus. */
  readonly id: string;
  /** As encoders are to read it. */
  readonly text: string;
  /** Alphabetical; at least one. */
  readonly labels: readonly Label[];
  /** The corpus's own labels. */
  readonly source: readonly string[];
  readonly split: Split;
  readonly file: string;
  /** 1-based line on which the record begins. */
  readonly row: number;
}

export type CorpusForm =
  | 'packed'
  | 'goemotions-tsv'
  | 'text;label'
  | 'tweeteval'
  | 'xed-tsv'
  | 'semeval-csv'
  | 'emoevent-tsv'
  | 'table';

/** A text that was left out, and why. */
export type CorpusDrop =
  | 'empty'
  | 'no label'
  | 'several labels'
  | 'repeated'
  | 'repeated in another split'
  | 'repeated in a test split';

/** A corpus as it was read. */
export interface Corpus {
  /** A `CorpusName`, or what the user's table is called. */
  readonly name: string;
  /** The file or folder. */
  readonly path: string;
  readonly form: CorpusForm;
  /** Labels that its annotators could give, alphabetical: the corpus says nothing of others. */
  readonly evidence: readonly Label[];
  readonly items: readonly CorpusItem[];
  readonly skipped: readonly Skipped[];
  readonly warnings: readonly string[];
  /** Records without any of the labels, which are not among the items. */
  readonly unlabelled: number;
}

/** A corpus that is ready for training: nothing repeated, nothing that stands in a test split. */
export interface PreparedCorpus extends Corpus {
  /** Items left out, by reason. */
  readonly dropped: Readonly<Partial<Record<CorpusDrop, number>>>;
}
