// The corpora that settings train a text encoder on: their items, labels, weights and evidence.
import { defined, MienError } from 'mien-engine/base';
import { inPackage } from '../base/package.js';
import {
  type Corpus,
  CORPUS_NAMES,
  type CorpusItem,
  GOEMOTIONS_LABELS,
  type PreparedCorpus,
} from '../data/corpora/definitions.js';
import { prepareBesideIsear } from '../data/corpora/prepare.js';
import { corpusOfTable, loadCorpora } from '../data/corpora/read.js';
import { ALL_LABELS, type ProtocolText, type Split, TEXT_LABELS } from 'mien/parts/data';
import { findDataSets } from '../data/open.js';
import { loadIsear } from '../data/isear.js';
import { prepare } from '../data/prepare.js';
import { readTable } from '../data/table.js';
import { readSentences, type WrittenSentence } from '../data/sentences.js';
import { templateItems } from '../data/templates/items.js';
import type { LabelledText, TextCorpus } from './learn-text.js';
import type { TextLearnSettings } from './settings.js';

export interface TextCorpora {
  readonly labels: readonly string[];
  readonly corpora: readonly TextCorpus[];
  readonly fineLabels: readonly string[];
  readonly training: readonly LabelledText[];
  readonly validation: readonly LabelledText[];
}

interface TextCorporaOptions {
  /** ISEAR as the protocol splits it. */
  readonly isear: readonly ProtocolText[];
  /** Folder with the corpora. */
  readonly data: string;
  /** A user's own table. */
  readonly also?: Awaited<ReturnType<typeof readTable>> | undefined;
  readonly settings: TextLearnSettings;
  readonly skipInvalid: boolean;
}

export interface TextItemsOptions {
  /** Folder with ISEAR and, in it or in a folder of it, further corpora. */
  readonly data: string;
  readonly split: 'clean' | 'paper';
  readonly settings: TextLearnSettings;
  readonly skipInvalid: boolean;
  /** A user's table as a further corpus, with the names of its columns, by default `text` and `label`. */
  readonly also?:
    | {
        readonly file: string;
        readonly text?: string | undefined;
        readonly label?: string | undefined;
      }
    | undefined;
}

/**
 * What `learn text` trains on: ISEAR alone, or all corpora that settings name.
 * @throws MienError as the loaders and `textCorpora` do.
 */
export async function textItems(
  options: TextItemsOptions,
): Promise<Omit<TextCorpora, 'corpora' | 'fineLabels'> & Partial<TextCorpora>> {
  const { data, split, settings, skipInvalid, also } = options;
  const sets = await findDataSets(data);
  const asksIsear = settings.corpora.isear.repeat > 0;
  if (sets.isear === undefined && asksIsear)
    throw new MienError('file', 'does not hold ISEAR', {
      file: data,
      hint: 'Expected a folder isear/ in it; set corpora.isear.repeat=0 to train without.',
    });
  const isear =
    sets.isear === undefined
      ? []
      : (await prepare({ isear: await loadIsear(sets.isear, { skipInvalid }) }, { split })).protocol.texts;
  if (!wantsCorpora(settings, also)) {
    const of = (wanted: Split) => isear.filter((item) => item.split === wanted);
    return { labels: TEXT_LABELS, training: of('train'), validation: of('validation') };
  }
  const table =
    also &&
    (await readTable(also.file, { text: also.text ?? 'text', label: also.label ?? 'label', skipInvalid }));
  return textCorpora({ isear, data, also: table, settings, skipInvalid });
}

/** Whether settings train on more than ISEAR. */
const wantsCorpora = ({ corpora }: TextLearnSettings, also: unknown): boolean =>
  also !== undefined ||
  Object.entries(corpora).some(([name, { repeat }]) => name !== 'isear' && name !== 'also' && repeat > 0);

/**
 * Reads and prepares the available corpora. No corpus's test items are trained on; a corpus that settings leave out
 * (repeat 0) is still validated on.
 * @throws MienError `data` if a corpus that settings name is missing, and what reading them throws.
 */
async function textCorpora(options: TextCorporaOptions): Promise<TextCorpora> {
  const { isear, data, also, settings, skipInvalid } = options;
  const found = await loadCorpora(data, { skipInvalid });
  for (const name of CORPUS_NAMES)
    if (settings.corpora[name].repeat > 0 && !found.some((one) => one.name === name))
      throw new MienError('data', `the corpus ${name} is not there`, {
        file: data,
        field: `corpora.${name}.repeat`,
        hint: `Put it into the folder, or set corpora.${name}.repeat=0 to train without it.`,
      });
  // A text in several corpora counts for the first.
  const loaded: Corpus[] = [...(also ? [corpusOfTable('also', also.file, also.rows)] : []), ...found];
  const prepared = prepareBesideIsear(loaded, isear);
  const named = [
    ...(isear.length > 0 ? [isearCorpus(isear)] : []),
    ...prepared,
    templateCorpus(settings),
    sentenceCorpus(await readSentences(inPackage('models/sentences.csv'))),
  ].filter(({ items }) => items.length > 0);
  const settingsOf = (name: string) => settings.corpora[name as keyof typeof settings.corpora];
  const trained = named.filter(({ name }) => settingsOf(name).repeat > 0);
  const labels = ALL_LABELS.filter((label) => trained.some(({ evidence }) => evidence.includes(label)));
  const isKnown = ({ label, others = [] }: LabelledText): boolean =>
    [label, ...others].every((one) => (labels as readonly string[]).includes(one));
  const itemsOf = (split: Split): LabelledText[] =>
    named.flatMap(({ name, items }) =>
      items.filter((item) => item.split === split).map((item) => labelled(name, item, settings)),
    );
  return {
    labels,
    corpora: named.map(({ name, evidence }): TextCorpus => {
      const { repeat, score, against } = settingsOf(name);
      const given = Object.fromEntries(evidence.map((label) => [label, 1]));
      return { name, repeat, score, evidence: { ...against, ...given } };
    }),
    fineLabels: GOEMOTIONS_LABELS,
    training: itemsOf('train').filter(({ corpus }) => settingsOf(corpus!).repeat > 0),
    validation: itemsOf('validation').filter(isKnown),
  };
}

type Named = Pick<PreparedCorpus, 'name' | 'evidence'> & {
  readonly items: readonly Pick<CorpusItem, 'text' | 'labels' | 'source' | 'split'>[];
};

const isearCorpus = (texts: readonly ProtocolText[]): Named => ({
  name: 'isear',
  evidence: TEXT_LABELS,
  items: texts.flatMap(({ text, label, split }) =>
    split === 'dropped' ? [] : [{ text, labels: [label], source: [], split }],
  ),
});

const templateCorpus = ({ templates, seed }: TextLearnSettings): Named => ({
  name: 'templates',
  evidence: ALL_LABELS,
  items: templateItems(templates, seed).map((item) => ({ ...item, source: [] })),
});

const sentenceCorpus = (sentences: readonly WrittenSentence[]): Named => ({
  name: 'sentences',
  evidence: ALL_LABELS,
  items: sentences.map((sentence) => ({ ...sentence, source: [] })),
});

function labelled(
  corpus: string,
  { text, labels, source }: Pick<CorpusItem, 'text' | 'labels' | 'source'>,
  settings: TextLearnSettings,
): LabelledText {
  const { weight, sourceWeights } = settings.corpora[corpus as keyof typeof settings.corpora];
  const [label, ...others] = labels;
  const own =
    source.length > 0 && source.every((one) => one in sourceWeights)
      ? Math.max(...source.map((one) => sourceWeights[one]!))
      : 1;
  return {
    text,
    label: label!,
    others,
    corpus,
    weight: weight * own,
    ...defined({ fine: corpus === 'goemotions' ? source : undefined }),
  };
}
