// Finds, reads and cleans corpora of labelled texts.
import { join } from 'node:path';
import { type BadByte, badText, MienError } from 'mien-engine/base';
import {
  isLabel,
  kindOf,
  type Label,
  listFolder,
  type DataSetOptions,
  normalizeText,
  problems,
  type Split,
} from 'mien/parts/data';
import { findDataSets } from '../open.js';
import {
  CORPORA,
  type Corpus,
  CORPUS_NAMES,
  type CorpusItem,
  type CorpusName,
  evidenceOf,
  labelsFrom,
} from './definitions.js';
import { EXPECTED, type FoundCorpus, recognizeCorpus, recordsOf, splitOfName, decodedFile } from './forms.js';

/** The beginning of a file, decompressed; undefined if it is not text. */
async function startOf(path: string): Promise<string | undefined> {
  const start = (await decodedFile(path)).text.slice(0, 16384);
  return start.includes('\0') ? undefined : start;
}

/** Whether a file name has the extension of a table. */
const isTableName = (name: string): boolean => /\.(csv|tsv|txt)(\.gz)?$/i.test(name);

/**
 * The corpora in a folder and its subfolders, or the one at a path; files of one corpus in a folder count as one.
 * @throws MienError `file` if the path does not exist.
 */
export async function findCorpora(path: string, depth = 2): Promise<FoundCorpus[]> {
  const kind = await kindOf(path);
  if (kind === 'missing')
    throw new MienError('file', 'no such file or folder', { file: path, hint: EXPECTED });
  if (kind === 'file') {
    const known = recognizeCorpus((await startOf(path)) ?? '');
    return known ? [{ ...known, path }] : [];
  }
  const { files, folders } = await listFolder(path);
  if (files.includes('mapping.txt') && files.includes('train_text.txt'))
    return [{ name: 'tweeteval-emotion', form: 'tweeteval', path }];
  const found = new Map<string, FoundCorpus[]>();
  for (const name of files.filter(isTableName))
    for (const one of await findCorpora(join(path, name)))
      found.set(one.name, [...(found.get(one.name) ?? []), one]);
  const here = [...found.values()].flatMap((same): FoundCorpus[] => {
    const form = same.find((one) => one.form === 'packed');
    // Files of one corpus, each with a split, are read together.
    return [form ?? (same.length === 1 ? same[0]! : { ...same[0]!, path })];
  });
  const below = [];
  if (depth > 0) for (const name of folders) below.push(...(await findCorpora(join(path, name), depth - 1)));
  return [...here, ...below];
}

/**
 * Reads a corpus.
 * @throws MienError `file` if it cannot be read, `data` (with file and row) if it is not such a corpus or a record is
 *   invalid.
 */
export async function loadCorpus(
  { name, form, path }: FoundCorpus,
  options: DataSetOptions = {},
): Promise<Corpus> {
  const reporter = problems(options);
  const warnings: string[] = [];
  const files = await filesOf({ name, form, path });
  const items: CorpusItem[] = [];
  let unlabelled = 0;
  for (const file of files) {
    const { text: content, bad } = await decodedFile(file);
    const records = await recordsOf(file, content, form, reporter);
    for (const { id, text, source, split, row } of records) {
      if (bad.length > 0 && text.includes('\ufffd')) {
        reporter.report({ file, row, ...badText(badIn(bad, row)) });
        continue;
      }
      const labels = labelsFrom(name, source);
      if (labels === undefined) {
        const unknown = source.find((one) => labelsFrom(name, [one]) === undefined)!;
        reporter.report({
          file,
          row,
          message: `unknown label ${JSON.stringify(unknown)}`,
          hint: `${CORPORA[name].title} has ${Object.keys(CORPORA[name].labels).join(', ')}.`,
        });
        continue;
      }
      if (labels.length === 0) unlabelled++;
      else
        items.push({
          id,
          text: cleanText(text, name),
          labels,
          source,
          split: split ?? splitOfName(file) ?? 'train',
          file,
          row,
        });
    }
  }
  if (items.length === 0)
    throw new MienError('data', 'contains no usable record', { file: path, hint: EXPECTED });
  return {
    name,
    path,
    form,
    evidence: evidenceOf(name),
    items,
    skipped: reporter.skipped,
    warnings,
    unlabelled,
  };
}

/** The files of a corpus, which may be a folder. */
async function filesOf({ name, form, path }: FoundCorpus): Promise<string[]> {
  if ((await kindOf(path)) === 'file') return [path];
  const { files } = await listFolder(path);
  if (form === 'tweeteval')
    return files.filter((file) => /^(train|val|test)_text\.txt$/.test(file)).map((file) => join(path, file));
  const same: string[] = [];
  for (const file of files.filter(isTableName)) {
    const known = recognizeCorpus((await startOf(join(path, file))) ?? '');
    if (known?.name === name && known.form === form) same.push(join(path, file));
  }
  return same;
}

/** The invalid byte of the record that starts on this line: the first one from there on. */
const badIn = (bad: readonly BadByte[], row: number): BadByte =>
  bad.find((byte) => byte.row >= row) ?? bad[0]!;

/** Rows of a user's table as a corpus, which is evidence about the labels that occur in it. */
export function corpusOfTable(
  name: string,
  path: string,
  rows: readonly {
    readonly id: string;
    readonly text?: string;
    readonly label: string;
    readonly split?: Split;
    readonly row: number;
  }[],
): Corpus {
  const items = rows.flatMap(({ id, text, label, split, row }): CorpusItem[] => {
    const known = label.trim().toLowerCase();
    if (!isLabel(known))
      throw new MienError('data', `unknown label ${JSON.stringify(label)}`, {
        file: path,
        row,
        hint: 'A further corpus may have the labels anger, disgust, fear, guilt, joy, neutral, sadness, shame and surprise.',
      });
    return text === undefined
      ? []
      : [
          {
            id,
            text: cleanText(text, undefined),
            labels: [known],
            source: [label],
            split: split ?? 'train',
            file: path,
            row,
          },
        ];
  });
  const evidence = [...new Set(items.flatMap(({ labels }): readonly Label[] => labels))].sort();
  return { name, path, form: 'table', evidence, items, skipped: [], warnings: [], unlabelled: 0 };
}

/**
 * All corpora of a data folder, the cleaner ones first; ISEAR and face data sets are skipped.
 * @throws MienError as `findCorpora` and `loadCorpus` do.
 */
export async function loadCorpora(data: string, options: DataSetOptions = {}): Promise<Corpus[]> {
  const known: readonly string[] = Object.values(await findDataSets(data));
  const { files, folders } = await listFolder(data);
  const paths = [...files.filter(isTableName), ...folders].map((name) => join(data, name));
  const found = [];
  for (const path of paths.filter((one) => !known.includes(one))) found.push(...(await findCorpora(path, 1)));
  const loaded: Corpus[] = [];
  for (const name of CORPUS_NAMES) {
    const one = found.find((each) => each.name === name);
    if (one) loaded.push(await loadCorpus(one, options));
  }
  return loaded;
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
};

/** Decodes HTML entities: `&amp;` (also escaped twice), `&#39;`. */
const withoutEntities = (text: string): string =>
  text.replace(
    /&(?:amp;)?(?:#(\d{1,6})|(amp|lt|gt|quot|apos|nbsp));/gi,
    (whole, code?: string, name?: string) =>
      name !== undefined
        ? ENTITIES[name.toLowerCase()]!
        : Number(code) > 0 && Number(code) < 0x110000
          ? String.fromCodePoint(Number(code))
          : whole,
  );

/**
 * XED's emotional lines are tokenised and contain commas and placeholders for names, its neutral lines do not: what
 * distinguishes the two apart from their content is removed from both.
 */
const withoutGiveaways = (text: string): string =>
  text
    .replace(/\[(?:PERSON|LOCATION|ORGANIZATION|[A-Z]{4,})\]/g, ' ')
    .replace(/\s+(?=n['’]t\b)/gi, '')
    .replace(/\s+(?=['’](?:s|m|re|ve|ll|d)\b)/gi, '')
    .replaceAll(',', ' ')
    .replace(/\s+([.!?;:…])/g, '$1')
    .replace(/^[-–—\s"']+/, '')
    .replace(/["\s]+$/, '');

/** One line, with entities decoded; for XED also without what gives its neutral lines away. */
export function cleanText(text: string, corpus: CorpusName | undefined): string {
  const line = normalizeText(withoutEntities(text));
  return corpus === 'xed-english' ? normalizeText(withoutGiveaways(line)) : line;
}
