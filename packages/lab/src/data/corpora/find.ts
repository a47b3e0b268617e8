// Finds corpora of labelled texts and tells them by content, not by name, as ISEAR's forms are.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Decoded, decodeLines, MienError } from 'mien-engine/base';
import { fileError } from 'mien-engine/node';
import { kindOf, listFolder } from 'mien/parts';
import { CORPORA, CORPUS_NAMES, labelsFrom } from './definitions.js';
import type { CorpusForm, CorpusName } from './types.js';

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

/** The text of a file, unpacked where it is compressed. @throws MienError `file` when it cannot be read. */
export async function textOf(path: string): Promise<Decoded> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  let plain: Uint8Array = bytes;
  if (packed)
    try {
      plain = gunzipSync(bytes);
    } catch (cause) {
      throw new MienError('data', `cannot be unpacked (${(cause as Error).message})`, {
        file: path,
        hint: 'Is the file cut off? Fetch it again.',
        cause,
      });
    }
  return decodeLines(plain);
}

export const isNumbers = (field: string | undefined, highest: number): boolean =>
  field !== undefined &&
  /^\d+(?:\s*,\s*\d+)*$/.test(field) &&
  field.split(',').every((n) => Number(n) <= highest);

/** What a text file holds, by its first lines; undefined when it is no corpus that is known. */
export function recognizeCorpus(start: string): Omit<FoundCorpus, 'path'> | undefined {
  const lines = start.split(/\r?\n/).filter((line) => line !== '');
  if (lines.length === 0) return undefined;
  const header = lines[0]!.toLowerCase();
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
  if (every((f) => f.length === 3 && isNumbers(f[1], 27) && /^\w+$/.test(f[2]!), '\t'))
    return { name: 'goemotions', form: 'goemotions-tsv' };
  if (every((f) => f.length === 2 && isNumbers(f[1], 8), '\t'))
    return { name: 'xed-english', form: 'xed-tsv' };
  if (every((f) => f.length >= 2 && labelsFrom('dair-emotion', [f.at(-1)!.trim()]) !== undefined, ';'))
    return { name: 'dair-emotion', form: 'text;label' };
  return undefined;
}

/** The beginning of a file, unpacked; undefined when it is not text. */
export async function startOf(path: string): Promise<string | undefined> {
  const start = (await textOf(path)).text.slice(0, 16384);
  return start.includes('\0') ? undefined : start;
}

/** Files that tables of texts end in. */
export const isTableName = (name: string): boolean => /\.(csv|tsv|txt)(\.gz)?$/i.test(name);

/**
 * The corpora in a folder and in folders of it, or the one that a path leads to: files, and folders of the files of one corpus.
 * @throws MienError `file` when nothing is there.
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
    // Files of one corpus, a split each, are read together.
    return [form ?? (same.length === 1 ? same[0]! : { ...same[0]!, path })];
  });
  const below = [];
  if (depth > 0) for (const name of folders) below.push(...(await findCorpora(join(path, name), depth - 1)));
  return [...here, ...below];
}
