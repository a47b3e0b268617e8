// Corpora of labelled texts: their items, how their labels map to those of mien, and their terms of use.
import type { Label, Skipped, Split } from 'mien/parts/data';

export type CorpusName =
  'goemotions' | 'dair-emotion' | 'tweeteval-emotion' | 'xed-english' | 'semeval-2025' | 'emoevent';

/** One labelled text of a corpus. */
export interface CorpusItem {
  /** Unique within the corpus. */
  readonly id: string;
  /** The input of encoders, that is, cleaned. */
  readonly text: string;
  /** Alphabetical; at least one. */
  readonly labels: readonly Label[];
  /** The labels as the corpus names them. */
  readonly source: readonly string[];
  readonly split: Split;
  readonly file: string;
  /** 1-based line on which the record starts. */
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

/** Why a text is left out. */
export type CorpusDrop =
  | 'empty'
  | 'no label'
  | 'several labels'
  | 'repeated'
  | 'repeated in another split'
  | 'repeated in a test split';

/** A corpus as read from its files. */
export interface Corpus {
  /** A `CorpusName`, or the name of the user's table. */
  readonly name: string;
  /** The file or folder. */
  readonly path: string;
  readonly form: CorpusForm;
  /** Labels that its annotators could give, alphabetical; the corpus is no evidence about others. */
  readonly evidence: readonly Label[];
  readonly items: readonly CorpusItem[];
  readonly skipped: readonly Skipped[];
  readonly warnings: readonly string[];
  /** Number of records without any of the labels; they are not among the items. */
  readonly unlabelled: number;
}

/** A corpus ready for training: without duplicates, and without texts of any test split. */
export interface PreparedCorpus extends Corpus {
  /** Number of items left out, by reason. */
  readonly dropped: Readonly<Partial<Record<CorpusDrop, number>>>;
}

export interface CorpusDefinition {
  readonly title: string;
  /** The corpus's labels → those of mien; an empty list if none corresponds. */
  readonly labels: Readonly<Record<string, readonly Label[]>>;
  /** Prefix of the ids in the packed form. */
  readonly prefix: string;
  readonly terms: string;
}

const plain = (...labels: Label[]): Record<string, readonly Label[]> =>
  Object.fromEntries(labels.map((label) => [label, [label]]));

const eachAs = (label: Label, names: readonly string[]): Record<string, readonly Label[]> =>
  Object.fromEntries(names.map((name) => [name, [label]]));

/** GoEmotions' labels in the order of its `emotions.txt`; its TSV files refer to them by index. */
export const GOEMOTIONS_LABELS = [
  'admiration',
  'amusement',
  'anger',
  'annoyance',
  'approval',
  'caring',
  'confusion',
  'curiosity',
  'desire',
  'disappointment',
  'disapproval',
  'disgust',
  'embarrassment',
  'excitement',
  'fear',
  'gratitude',
  'grief',
  'joy',
  'love',
  'nervousness',
  'optimism',
  'pride',
  'realization',
  'relief',
  'remorse',
  'sadness',
  'surprise',
  'neutral',
] as const;

export const CORPORA: Readonly<Record<CorpusName, CorpusDefinition>> = {
  goemotions: {
    title: 'GoEmotions',
    prefix: 'ge-',
    labels: {
      // The published mapping to Ekman's six (Demszky et al. 2020), which maps remorse and embarrassment to sadness.
      ...eachAs('anger', ['anger', 'annoyance', 'disapproval']),
      ...eachAs('disgust', ['disgust']),
      ...eachAs('fear', ['fear', 'nervousness']),
      ...eachAs('joy', [
        'admiration',
        'amusement',
        'approval',
        'caring',
        'desire',
        'excitement',
        'gratitude',
      ]),
      ...eachAs('joy', ['joy', 'love', 'optimism', 'pride', 'relief']),
      ...eachAs('sadness', ['disappointment', 'grief', 'sadness']),
      ...eachAs('surprise', ['confusion', 'curiosity', 'realization', 'surprise']),
      ...eachAs('neutral', ['neutral']),
      remorse: ['guilt', 'sadness'],
      embarrassment: ['sadness', 'shame'],
    },
    terms: 'GoEmotions: Apache-2.0 (Demszky et al. 2020)',
  },
  'dair-emotion': {
    title: 'dair-ai emotion',
    prefix: 'dair-',
    labels: { ...plain('anger', 'fear', 'joy', 'sadness', 'surprise'), love: ['joy'] },
    terms: 'dair-ai emotion: educational and research purposes only (Saravia et al. 2018)',
  },
  'tweeteval-emotion': {
    title: 'TweetEval emotion',
    prefix: 'te-',
    labels: { ...plain('anger', 'joy', 'sadness'), optimism: ['joy'] },
    terms:
      'TweetEval emotion: the terms of SemEval-2018 and of Twitter; treat as research only (Mohammad et al. 2018, ' +
      'Barbieri et al. 2020)',
  },
  'xed-english': {
    title: 'XED (English)',
    prefix: 'xed-',
    labels: {
      ...plain('anger', 'disgust', 'fear', 'joy', 'neutral', 'sadness', 'surprise'),
      anticipation: [],
      trust: [],
    },
    terms: 'XED: CC BY 4.0 (Öhman et al. 2020)',
  },
  'semeval-2025': {
    title: 'SemEval-2025 task 11 (English)',
    prefix: 'sem-',
    labels: { ...plain('anger', 'fear', 'joy', 'sadness', 'surprise'), none: ['neutral'] },
    terms: 'SemEval-2025 task 11: CC BY 4.0 (Muhammad et al. 2025)',
  },
  emoevent: {
    title: 'EmoEvent (English)',
    prefix: 'ee-',
    labels: {
      ...plain('anger', 'disgust', 'fear', 'joy', 'sadness', 'surprise'),
      others: ['neutral'],
    },
    terms:
      'EmoEvent: no terms stated; treat as research only, no redistribution (Plaza-del-Arco et al. 2020)',
  },
};

export const CORPUS_NAMES = Object.keys(CORPORA) as CorpusName[];

/** Display name of a corpus; a user's table keeps its own name. */
export const corpusTitle = (name: string): string =>
  name in CORPORA ? CORPORA[name as CorpusName].title : name;

/** Terms of use of the corpora among these names. */
export const corpusTerms = (names: readonly string[]): string[] =>
  CORPUS_NAMES.filter((name) => names.includes(name)).map((name) => CORPORA[name].terms);

const sorted = (labels: Iterable<Label>): Label[] => [...new Set(labels)].sort();

/** Labels that a corpus can give, alphabetical. */
export const evidenceOf = (name: CorpusName): Label[] => sorted(Object.values(CORPORA[name].labels).flat());

/** The labels of mien for these of a corpus, alphabetical; undefined if the corpus lacks one of them. */
export function labelsFrom(name: CorpusName, source: readonly string[]): Label[] | undefined {
  const mapping = CORPORA[name].labels;
  const found = source.map((one) => (Object.hasOwn(mapping, one) ? mapping[one] : undefined));
  return found.includes(undefined) ? undefined : sorted((found as Label[][]).flat());
}
