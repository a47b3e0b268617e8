// The forms in which the corpora are distributed: recognised by content, not by file name, and parsed into records.
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { type Decoded, decodeLines, itemsAt, MienError } from 'mien-engine/base';
import { fileError } from 'mien-engine/node';
import type { Problems, Split } from 'mien/parts/data';
import { SPLIT_NAMES } from '../table.js';
import {
  CORPORA,
  CORPUS_NAMES,
  type CorpusForm,
  type CorpusName,
  GOEMOTIONS_LABELS,
  labelsFrom,
} from './definitions.js';

export interface FoundCorpus {
  readonly name: CorpusName;
  readonly form: CorpusForm;
  readonly path: string;
}

export const EXPECTED =
  'Expected GoEmotions (text, numbers and id, separated by tabs), dair-ai emotion (text;label), TweetEval (a folder ' +
  'with mapping.txt, train_text.txt and train_labels.txt), XED (text and numbers, separated by a tab), SemEval-2025 ' +
  'task 11 (id,text,anger,…), EmoEvent (id, event, tweet, offensive, emotion), or a table with the columns ' +
  'id,text,labels,split,source_label.';

/** The text of a file, decompressed if necessary. @throws MienError `file` if it cannot be read. */
export async function decodedFile(path: string): Promise<Decoded> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  let plain: Uint8Array = bytes;
  if (packed)
    try {
      plain = gunzipSync(bytes);
    } catch (cause) {
      throw new MienError('data', `cannot be decompressed (${(cause as Error).message})`, {
        file: path,
        hint: 'Is the file truncated? Download it again.',
        cause,
      });
    }
  return decodeLines(plain);
}

const isNumbers = (field: string | undefined, highest: number): boolean =>
  field !== undefined &&
  /^\d+(?:\s*,\s*\d+)*$/.test(field) &&
  field.split(',').every((n) => Number(n) <= highest);

/** The corpus of a text file, by its first lines; undefined if it is none of those known. */
export function recognizeCorpus(start: string): Omit<FoundCorpus, 'path'> | undefined {
  const lines = start.split(/\r?\n/).filter((line) => line !== '');
  const [first] = lines;
  if (first === undefined) return undefined;
  const header = first.toLowerCase();
  const columns = header.split(',').map((name) => name.replaceAll('"', '').trim());
  if (['id', 'text', 'labels', 'split', 'source_label'].every((name) => columns.includes(name))) {
    const name = CORPUS_NAMES.find((one) => lines[1]?.startsWith(CORPORA[one].prefix));
    return name && { name, form: 'packed' };
  }
  if (['text', 'anger', 'fear', 'joy', 'sadness', 'surprise'].every((name) => columns.includes(name)))
    return { name: 'semeval-2025', form: 'semeval-csv' };
  const tabbed = header.split('\t').map((name) => name.trim());
  if (['tweet', 'offensive', 'emotion'].every((name) => tabbed.includes(name)))
    return { name: 'emoevent', form: 'emoevent-tsv' };
  const some = lines.slice(0, Math.max(1, Math.min(20, lines.length - 1)));
  const every = (test: (fields: string[]) => boolean, separator: string): boolean =>
    some.every((line) => test(line.split(separator)));
  if (every((f) => f.length === 3 && isNumbers(f[1], 27) && /^\w+$/.test(f[2] ?? ''), '\t'))
    return { name: 'goemotions', form: 'goemotions-tsv' };
  if (every((f) => f.length === 2 && isNumbers(f[1], 8), '\t'))
    return { name: 'xed-english', form: 'xed-tsv' };
  if (every((f) => f.length >= 2 && labelsFrom('dair-emotion', [(f.at(-1) ?? '').trim()]) !== undefined, ';'))
    return { name: 'dair-emotion', form: 'text;label' };
  return undefined;
}

/** A record before its labels are mapped. */
export interface CorpusRecord {
  readonly id: string;
  readonly text: string;
  readonly source: readonly string[];
  /** Undefined if the form does not give it. */
  readonly split: Split | undefined;
  readonly row: number;
}

/** The split given by a file's name. */
export const splitOfName = (path: string): Split | undefined => {
  const word = /(?:^|[^a-z])(train(?:ing)?|dev|val(?:id(?:ation)?)?|test(?:ing)?)(?:[^a-z]|$)/i.exec(
    basename(path),
  )?.[1];
  return word === undefined ? undefined : SPLIT_NAMES[word.toLowerCase()];
};

/** By XED's numbers. */
const XED_LABELS = [
  'neutral',
  'anger',
  'anticipation',
  'disgust',
  'fear',
  'joy',
  'sadness',
  'surprise',
  'trust',
];

export async function recordsOf(
  file: string,
  text: string,
  form: CorpusForm,
  reporter: Problems,
): Promise<CorpusRecord[]> {
  switch (form) {
    case 'packed':
      return csvOf(text, file).flatMap(({ record, row }): CorpusRecord[] => {
        const { id = '', text: content = '', split: published = '', source_label: source = '' } = record;
        const split = SPLIT_NAMES[published.toLowerCase()];
        if (split !== undefined)
          return [
            {
              id,
              text: content,
              row,
              split,
              source: listOf(source, '|'),
            },
          ];
        const hint = 'Expected train, dev or test.';
        reporter.report({ file, row, message: `unknown split ${JSON.stringify(published)}`, hint });
        return [];
      });
    case 'semeval-csv': {
      const names = ['anger', 'disgust', 'fear', 'joy', 'sadness', 'surprise'];
      return csvOf(text, file).flatMap(({ record, row }): CorpusRecord[] => {
        const named = names.filter((name) => Number(record[name] ?? 0) >= 1);
        // The published test set of one track has no labels.
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
      ).map(({ fields: [content = '', numbers = '', id = ''], row }) => ({
        id,
        text: content,
        row,
        split: undefined,
        source: itemsAt(GOEMOTIONS_LABELS, listOf(numbers, ',').map(Number)),
      }));
    case 'xed-tsv':
      return linesOf(
        text,
        file,
        reporter,
        (fields) => fields.length === 2 && isNumbers(fields[1], 8),
        '\t',
      ).map(({ fields: [content = '', numbers = ''], row }) => ({
        id: String(row),
        text: content,
        row,
        split: undefined,
        source: itemsAt(XED_LABELS, listOf(numbers, ',').map(Number)),
      }));
    default:
      return linesOf(text, file, reporter, (fields) => fields.length >= 2, ';').map(({ fields, row }) => ({
        id: String(row),
        text: fields.slice(0, -1).join(';'),
        row,
        split: undefined,
        source: [(fields.at(-1) ?? '').trim()],
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
      hint: 'Is the file truncated, or a quotation mark not closed?',
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

/** Texts and labels in two files of equal length, the labels as numbers that `mapping.txt` maps to names. */
async function tweetEval(file: string, text: string, reporter: Problems): Promise<CorpusRecord[]> {
  const lines = (one: string): string[] => one.replace(/\r?\n$/, '').split(/\r?\n/);
  const labelFile = file.replace(/_text\.txt$/, '_labels.txt');
  const [texts, labels] = [lines(text), lines((await decodedFile(labelFile)).text)];
  if (texts.length !== labels.length)
    throw new MienError(
      'data',
      `has ${texts.length} texts, and ${basename(labelFile)} ${labels.length} labels`,
      {
        file,
      },
    );
  const names = new Map(
    lines((await decodedFile(join(file, '..', 'mapping.txt'))).text).map((line): [string, string] => {
      const [number = '', name = ''] = line.split(/\s+/);
      return [number, name.toLowerCase()];
    }),
  );
  const split = splitOfName(file);
  return texts.flatMap((one, i): CorpusRecord[] => {
    const name = names.get((labels[i] ?? '').trim());
    if (name !== undefined) return [{ id: `${split}-${i}`, text: one, source: [name], split, row: i + 1 }];
    reporter.report({
      file: labelFile,
      row: i + 1,
      message: `unknown label ${JSON.stringify(labels[i])}`,
      hint: 'mapping.txt maps numbers to labels.',
    });
    return [];
  });
}
