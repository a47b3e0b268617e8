// Reads corpora of labelled texts in the forms in which people have them.
import { basename, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { type BadByte, badText, MienError } from 'mien-engine/base';
import {
  isLabel,
  kindOf,
  type Label,
  listFolder,
  type LoadOptions,
  problems,
  type Problems,
  type Split,
} from 'mien/parts';
import { findDataSets } from '../open.js';
import { SPLIT_NAMES } from '../table.js';
import { cleanText } from './clean.js';
import { CORPORA, CORPUS_NAMES, evidenceOf, GOEMOTIONS_LABELS, labelsFrom } from './definitions.js';
import {
  EXPECTED,
  findCorpora,
  isNumbers,
  isTableName,
  recognizeCorpus,
  startOf,
  textOf,
  type FoundCorpus,
} from './find.js';
import type { Corpus, CorpusForm, CorpusItem } from './types.js';

/** A record before its labels are looked up. */
interface CorpusRecord {
  readonly id: string;
  readonly text: string;
  readonly source: readonly string[];
  /** Undefined where the form does not say. */
  readonly split: Split | undefined;
  readonly row: number;
}

/** The split that a file's name says. */
const splitOfName = (path: string): Split | undefined => {
  const word = /(?:^|[^a-z])(train(?:ing)?|dev|val(?:id(?:ation)?)?|test(?:ing)?)(?:[^a-z]|$)/i.exec(
    basename(path),
  )?.[1];
  return word === undefined ? undefined : SPLIT_NAMES[word.toLowerCase()];
};

const XED_NUMBERS: Readonly<Record<string, string>> = {
  0: 'neutral',
  1: 'anger',
  2: 'anticipation',
  3: 'disgust',
  4: 'fear',
  5: 'joy',
  6: 'sadness',
  7: 'surprise',
  8: 'trust',
};

/**
 * Reads a corpus.
 * @throws MienError `file` when it cannot be read, `data` (with file and row) when it is not such a corpus or a record
 *   is bad.
 */
export async function loadCorpus(
  { name, form, path }: FoundCorpus,
  options: LoadOptions = {},
): Promise<Corpus> {
  const reporter = problems(options);
  const warnings: string[] = [];
  const files = await filesOf({ name, form, path });
  const items: CorpusItem[] = [];
  let unlabelled = 0;
  for (const file of files) {
    const { text: content, bad } = await textOf(file);
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
    throw new MienError('data', 'holds no usable record', { file: path, hint: EXPECTED });
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

/** The files of a corpus that is a folder, and what is read of them. */
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

/** The bad byte of the record that begins with this line: the first one from there on. */
const badIn = (bad: readonly BadByte[], row: number): BadByte =>
  bad.find((byte) => byte.row >= row) ?? bad[0]!;

async function recordsOf(
  file: string,
  text: string,
  form: CorpusForm,
  reporter: Problems,
): Promise<CorpusRecord[]> {
  switch (form) {
    case 'packed':
      return csvOf(text, file).flatMap(({ record, row }): CorpusRecord[] => {
        const split = SPLIT_NAMES[record['split']!.toLowerCase()];
        if (split !== undefined)
          return [
            {
              id: record['id']!,
              text: record['text']!,
              row,
              split,
              source: listOf(record['source_label']!, '|'),
            },
          ];
        const hint = 'Expected train, dev or test.';
        reporter.report({ file, row, message: `is of the split ${JSON.stringify(record['split'])}`, hint });
        return [];
      });
    case 'semeval-csv': {
      const names = ['anger', 'disgust', 'fear', 'joy', 'sadness', 'surprise'];
      return csvOf(text, file).flatMap(({ record, row }): CorpusRecord[] => {
        const named = names.filter((name) => Number(record[name] ?? 0) >= 1);
        // Its published test has no labels in one of the tracks.
        if (names.every((name) => (record[name] ?? '') === '')) return [];
        return [
          {
            id: record['id'] ?? String(row),
            text: record['text']!,
            source: named.length > 0 ? named : ['none'],
            split: undefined,
            row,
          },
        ];
      });
    }
    case 'emoevent-tsv':
      return csvOf(text, file, '\t').map(({ record, row }) => ({
        id: record['id'] ?? String(row),
        text: record['tweet']!,
        row,
        source: [record['emotion']!.toLowerCase()],
        split: undefined,
      }));
    case 'tweeteval':
      return tweetEval(file, text, reporter);
    case 'goemotions-tsv':
      return linesOf(
        text,
        file,
        reporter,
        (fields) => fields.length === 3 && isNumbers(fields[1], 27),
        '\t',
      ).map(({ fields, row }) => ({
        id: fields[2]!,
        text: fields[0]!,
        row,
        split: undefined,
        source: listOf(fields[1]!, ',').map((n) => GOEMOTIONS_LABELS[Number(n)]!),
      }));
    case 'xed-tsv':
      return linesOf(
        text,
        file,
        reporter,
        (fields) => fields.length === 2 && isNumbers(fields[1], 8),
        '\t',
      ).map(({ fields, row }) => ({
        id: String(row),
        text: fields[0]!,
        row,
        split: undefined,
        source: listOf(fields[1]!, ',').map((n) => XED_NUMBERS[n]!),
      }));
    default:
      return linesOf(text, file, reporter, (fields) => fields.length >= 2, ';').map(({ fields, row }) => ({
        id: String(row),
        text: fields.slice(0, -1).join(';'),
        row,
        split: undefined,
        source: [fields.at(-1)!.trim()],
      }));
  }
}

const listOf = (field: string, separator: string): string[] =>
  field
    .split(separator)
    .map((one) => one.trim())
    .filter((one) => one !== '');

function csvOf(
  text: string,
  file: string,
  delimiter = ',',
): { record: Record<string, string>; row: number }[] {
  try {
    const records = parse(text, {
      columns: (header: string[]) => header.map((name) => name.trim().toLowerCase()),
      info: true,
      delimiter,
      ...(delimiter === '\t' ? { quote: null, relax_column_count: true } : {}),
      skip_empty_lines: true,
    }) as unknown as { record: Record<string, string>; info: { lines: number } }[];
    return records.map(({ record, info }) => ({ record, row: info.lines }));
  } catch (cause) {
    throw new MienError('data', `is not a valid table (${(cause as Error).message})`, {
      file,
      hint: 'Is the file cut off, or a quotation mark left open?',
      cause,
    });
  }
}

function linesOf(
  text: string,
  file: string,
  reporter: Problems,
  fits: (fields: string[]) => boolean,
  separator: string,
): { fields: string[]; row: number }[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (line === '') return [];
    const fields = line.split(separator);
    if (fits(fields)) return [{ fields, row: i + 1 }];
    reporter.report({
      file,
      row: i + 1,
      message: `cannot be read: ${JSON.stringify(line.slice(0, 60))}`,
      hint: EXPECTED,
    });
    return [];
  });
}

/** Texts and labels in two files of as many lines, the labels as numbers that `mapping.txt` names. */
async function tweetEval(file: string, text: string, reporter: Problems): Promise<CorpusRecord[]> {
  const lines = (one: string): string[] => one.replace(/\r?\n$/, '').split(/\r?\n/);
  const labelFile = file.replace(/_text\.txt$/, '_labels.txt');
  const [texts, labels] = [lines(text), lines((await textOf(labelFile)).text)];
  if (texts.length !== labels.length)
    throw new MienError(
      'data',
      `has ${texts.length} texts, and ${basename(labelFile)} ${labels.length} labels`,
      {
        file,
      },
    );
  const names = new Map(
    lines((await textOf(join(file, '..', 'mapping.txt'))).text).map((line): [string, string] => {
      const [number = '', name = ''] = line.split(/\s+/);
      return [number, name.toLowerCase()];
    }),
  );
  const split = splitOfName(file);
  return texts.flatMap((one, i): CorpusRecord[] => {
    const name = names.get(labels[i]!.trim());
    if (name !== undefined) return [{ id: `${split}-${i}`, text: one, source: [name], split, row: i + 1 }];
    reporter.report({
      file: labelFile,
      row: i + 1,
      message: `unknown label ${JSON.stringify(labels[i])}`,
      hint: 'mapping.txt names the labels by number.',
    });
    return [];
  });
}

/** Rows of somebody's own table as a corpus: its evidence are the labels that occur. */
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
        hint: 'A further corpus has labels of anger, disgust, fear, guilt, joy, neutral, sadness, shame, surprise.',
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
 * All corpora of a data folder, the cleaner ones first; what is in it of ISEAR and faces is passed over.
 * @throws MienError as `findCorpora` and `loadCorpus` do.
 */
export async function loadCorpora(data: string, options: LoadOptions = {}): Promise<Corpus[]> {
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
