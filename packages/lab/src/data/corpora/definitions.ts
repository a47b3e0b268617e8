// The corpora by name: what their labels are called here, which labels they can give, and their terms.
import type { Label } from 'mien/parts';
import type { CorpusName } from './types.js';

export interface CorpusDefinition {
  readonly title: string;
  /** The corpus's labels → those of mien; an empty list where none fits. */
  readonly labels: Readonly<Record<string, readonly Label[]>>;
  /** Beginning of the ids in the packed form. */
  readonly prefix: string;
  readonly terms: string;
}

const plain = (...labels: Label[]): Record<string, readonly Label[]> =>
  Object.fromEntries(labels.map((label) => [label, [label]]));

const all = (label: Label, names: readonly string[]): Record<string, readonly Label[]> =>
  Object.fromEntries(names.map((name) => [name, [label]]));

/** GoEmotions' labels in the order of its `emotions.txt`: the numbers of its TSV. */
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
      // The published mapping to Ekman's six (Demszky et al. 2020), which calls remorse and embarrassment sadness.
      ...all('anger', ['anger', 'annoyance', 'disapproval']),
      ...all('disgust', ['disgust']),
      ...all('fear', ['fear', 'nervousness']),
      ...all('joy', ['admiration', 'amusement', 'approval', 'caring', 'desire', 'excitement', 'gratitude']),
      ...all('joy', ['joy', 'love', 'optimism', 'pride', 'relief']),
      ...all('sadness', ['disappointment', 'grief', 'sadness']),
      ...all('surprise', ['confusion', 'curiosity', 'realization', 'surprise']),
      ...all('neutral', ['neutral']),
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

/** What a corpus is called; a table of one's own by its name. */
export const corpusTitle = (name: string): string =>
  name in CORPORA ? CORPORA[name as CorpusName].title : name;

/** Terms of the corpora of these names; other names have none. */
export const corpusTerms = (names: readonly string[]): string[] =>
  CORPUS_NAMES.filter((name) => names.includes(name)).map((name) => CORPORA[name].terms);

const sorted = (labels: Iterable<Label>): Label[] => [...new Set(labels)].sort();

/** Labels that a corpus can give, alphabetical. */
export const evidenceOf = (name: CorpusName): Label[] => sorted(Object.values(CORPORA[name].labels).flat());

/** The labels that these of a corpus come to, alphabetical; undefined when it does not have one of them. */
export function labelsFrom(name: CorpusName, source: readonly string[]): Label[] | undefined {
  const mapping = CORPORA[name].labels;
  const found = source.map((one) => (Object.hasOwn(mapping, one) ? mapping[one] : undefined));
  return found.includes(undefined) ? undefined : sorted((found as Label[][]).flat());
}
