// Corpora of texts: every form in which people have them gives the same items; cleaning; nothing repeats across splits.
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recognizeCorpus } from '../../src/data/corpora/forms.js';
import { cleanText, corpusOfTable, findCorpora, loadCorpus } from '../../src/data/corpora/read.js';
import {
  type Corpus,
  CORPUS_NAMES,
  type CorpusItem,
  evidenceOf,
  labelsFrom,
} from '../../src/data/corpora/definitions.js';
import { pairTexts, prepareCorpora } from '../../src/data/corpora/prepare.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-corpora-'));
});
afterAll(() => rm(root, { recursive: true }));

async function write(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(root, 'set-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

/** What a folder is read as: corpus, form, and `split: text → labels` of each item. */
async function read(folder: string) {
  const found = await findCorpora(folder);
  const loaded = [];
  for (const one of found) loaded.push(await loadCorpus(one));
  return loaded.map(({ name, form, items }) => ({
    name,
    form,
    items: items.map(({ split, text, labels }) => `${split}: ${text} → ${labels.join('|')}`),
  }));
}

test('recognises each published form by its content and maps its labels', async () => {
  const folder = await write({
    'a/train.tsv': 'I did it\t17\teda1\nSorry &amp; ashamed\t24,12\teda2\n',
    'a/dev.tsv': 'What is this?\t6,7\teda3\n',
    'b/val.txt': 'i feel; so loved;love\ni feel low;sadness\n',
    'c/mapping.txt': '0\tanger\n1\tjoy\n2\toptimism\n3\tsadness\n',
    'c/train_text.txt': 'go away \nbe brave \n',
    'c/train_labels.txt': '0\n2\n',
    'd/lines.tsv': 'Sorry , [PERSON] , I hit him .\t1, 6\nI trust you.\t8\nDeal.\t0\n',
    'e/train.csv':
      'id,text,anger,fear,joy,sadness,surprise\nx1,"Dark, and cold",0,1,0,1,0\nx2,A day,0,0,0,0,0\n',
    'f/emo.tsv':
      'id\tevent\ttweet\toffensive\temotion\n7\tNotreDame\tIt "burns"\tNO\tsadness\n8\tx\tNews\tNO\tothers\n',
    'notes.txt': 'nothing of interest\n',
  });
  expect(await read(folder)).toEqual([
    {
      name: 'goemotions',
      form: 'goemotions-tsv',
      items: [
        'validation: What is this? → surprise',
        'train: I did it → joy',
        'train: Sorry & ashamed → guilt|sadness|shame',
      ],
    },
    {
      name: 'dair-emotion',
      form: 'text;label',
      items: ['validation: i feel; so loved → joy', 'validation: i feel low → sadness'],
    },
    {
      name: 'tweeteval-emotion',
      form: 'tweeteval',
      items: ['train: go away → anger', 'train: be brave → joy'],
    },
    {
      name: 'xed-english',
      form: 'xed-tsv',
      items: ['train: Sorry I hit him. → anger|sadness', 'train: Deal. → neutral'],
    },
    {
      name: 'semeval-2025',
      form: 'semeval-csv',
      items: ['train: Dark, and cold → fear|sadness', 'train: A day → neutral'],
    },
    {
      name: 'emoevent',
      form: 'emoevent-tsv',
      items: ['train: It "burns" → sadness', 'train: News → neutral'],
    },
  ]);
});

test('reads the packed form, compressed or not, as the corpus given by the prefix of its ids', async () => {
  const csv =
    'id,text,labels,split,source_label\nge-1,"Well, done",joy,train,admiration\nge-2,Oops,sadness,dev,remorse\n';
  const folder = await write({
    'x.csv.gz': gzipSync(csv),
    'y/x.csv': csv.replaceAll('ge-', 'xed-').replace('admiration', 'joy').replace('remorse', 'trust'),
  });
  expect(await read(folder)).toEqual([
    {
      name: 'goemotions',
      form: 'packed',
      items: ['train: Well, done → joy', 'validation: Oops → guilt|sadness'],
    },
    { name: 'xed-english', form: 'packed', items: ['train: Well done → joy'] },
  ]);
});

test('errors name the file and the row', async () => {
  const load = async (files: Readonly<Record<string, string | Uint8Array>>) => {
    const [found] = await findCorpora(await write(files));
    return loadCorpus(found!);
  };
  await expect(load({ 'a.tsv': 'fine\t3\tid1\nfine\t3\tid2\nbad line\n' })).rejects.toMatchObject({
    code: 'data',
    place: { row: 3 },
  });
  await expect(
    load({ 'a.csv': 'id,text,labels,split,source_label\nge-1,Hello,joy,train,glee\n' }),
  ).rejects.toThrow(/unknown label "glee"/);
  await expect(load({ 'a.csv.gz': gzipSync('x'.repeat(9000)).subarray(0, 20) })).rejects.toThrow(
    /cannot be decompressed/,
  );
  const tweets = { 'mapping.txt': '0\tanger\n', 'train_text.txt': 'a\nb\n', 'train_labels.txt': '0\n' };
  await expect(load(tweets)).rejects.toThrow(/has 2 texts, and train_labels.txt 1 labels/);
  await expect(findCorpora(join(root, 'nowhere'))).rejects.toMatchObject({ code: 'file' });
  await expect(
    load({ 'a.csv': 'id,text,labels,split,source_label\nge-1,Hello,joy,later,joy\n' }),
  ).rejects.toThrow(/row 2: unknown split "later"/);
  const latin = { 'a.tsv': Buffer.from('fin\u00e9\t3\tid1\nfine\t3\tid2\n', 'latin1') };
  await expect(load(latin)).rejects.toThrow(/not UTF-8/);
});

test('recognises no corpus in other tables', () => {
  for (const start of [
    '',
    'text,label\nHello,joy\n',
    'emotion,pixels,Usage\n0,1 2 3,Training\n',
    'joy,I won\n',
    '{"a":1}\n',
  ])
    expect(recognizeCorpus(start)).toBeUndefined();
});

test('every label of every corpus is mapped, and the evidence consists of the mapped labels', () => {
  for (const name of CORPUS_NAMES) expect(evidenceOf(name).length).toBeGreaterThan(2);
  expect(evidenceOf('tweeteval-emotion')).toEqual(['anger', 'joy', 'sadness']);
  expect(evidenceOf('semeval-2025')).not.toContain('disgust');
  expect(labelsFrom('goemotions', ['remorse', 'joy'])).toEqual(['guilt', 'joy', 'sadness']);
  expect(labelsFrom('goemotions', ['toString'])).toBeUndefined();
});

test('removes from XED what distinguishes its neutral lines apart from their content', () => {
  const clean = (text: string): string => cleanText(text, 'xed-english');
  expect(clean("Do n't go , [PERSON] . It 's late , [LOCATION] !")).toBe("Don't go. It's late!");
  expect(clean('- Well, I guess you might say that, yes.')).toBe('Well I guess you might say that yes.');
  expect(cleanText('Well, [NAME] &amp;lt;3 it&#39;s', 'goemotions')).toBe("Well, [NAME] <3 it's");
});

const corpus = (
  name: string,
  items: readonly (readonly [string, CorpusItem['labels'], CorpusItem['split']])[],
): Corpus => ({
  name,
  path: name,
  form: 'table',
  evidence: ['anger', 'joy'],
  skipped: [],
  warnings: [],
  unlabelled: 0,
  items: items.map(([text, labels, split], i) => ({
    id: `${name}/${i}`,
    text,
    labels,
    split,
    source: [],
    file: name,
    row: i + 1,
  })),
});

test('uses a text once for training, and not at all if it occurs in validation or any test', () => {
  const long = 'the quick brown fox jumps over the lazy dog in spring';
  const a = corpus('a', [
    ['I am glad!', ['joy'], 'train'],
    ['i am GLAD', ['joy'], 'train'],
    ['Both ways', ['joy'], 'train'],
    ['both ways.', ['anger'], 'train'],
    [long, ['joy'], 'train'],
    ['In dev', ['joy'], 'train'],
    ['In dev', ['joy'], 'validation'],
    ['Held back', ['anger'], 'validation'],
    ['😡', ['anger'], 'train'],
    ['😀', ['joy'], 'train'],
    ['Kept in test', ['joy'], 'test'],
    ['Kept in test', ['joy'], 'test'],
  ]);
  const b = corpus('b', [
    ['I am glad', ['joy'], 'train'],
    [`${long} now`, ['joy'], 'test'],
    ['Only here', ['anger'], 'train'],
    ['', ['anger'], 'train'],
  ]);
  const [first, second] = prepareCorpora([a, b], { tests: ['held back'] });
  expect(first!.items.map(({ text, split }) => `${split}: ${text}`)).toEqual([
    'train: I am glad!',
    'validation: In dev',
    'train: 😡',
    'train: 😀',
    'test: Kept in test',
    'test: Kept in test',
  ]);
  expect(first!.dropped).toEqual({
    repeated: 1,
    'several labels': 2,
    'repeated in another split': 1,
    'repeated in a test split': 2,
  });
  expect(second!.items.map(({ text }) => text)).toEqual([`${long} now`, 'Only here']);
  expect(second!.dropped).toEqual({ repeated: 1, empty: 1 });
});

test('a user’s table is evidence about the labels that occur in it', () => {
  const rows = [
    { id: 'row/1', text: 'Hello', label: 'Neutral', row: 2 },
    { id: 'row/2', text: 'Oh no', label: 'fear', row: 3, split: 'validation' as const },
  ];
  const { evidence, items } = corpusOfTable('also', 'my.csv', rows);
  expect(evidence).toEqual(['fear', 'neutral']);
  expect(items.map(({ split }) => split)).toEqual(['train', 'validation']);
  expect(() => corpusOfTable('also', 'my.csv', [{ id: 'r', text: 'x', label: 'glee', row: 9 }])).toThrow(
    /unknown label "glee"/,
  );
});

test('texts for pairs have one label of faces, equally many per label, evenly from all corpora', () => {
  const items = (
    name: string,
    split: CorpusItem['split'],
    counts: Readonly<Record<string, number>>,
  ): CorpusItem[] =>
    Object.entries(counts).flatMap(([labels, count]) =>
      Array.from({ length: count }, (_, row) => {
        const id = `${name}-${split}-${labels}-${row}`;
        const own = labels.split('|') as CorpusItem['labels'];
        return { id, text: `text ${id}`, labels: own, source: [], split, file: name, row };
      }),
    );
  const corpora = [
    {
      name: 'goemotions',
      items: [
        ...items('ge', 'train', { joy: 20, neutral: 20, 'joy|neutral': 9, guilt: 9, 'guilt|sadness': 2 }),
        ...items('ge', 'validation', { joy: 3 }),
        ...items('ge', 'test', { joy: 4, 'anger|fear': 1, neutral: 2 }),
      ],
    },
    {
      name: 'emoevent',
      items: [...items('ee', 'train', { joy: 1, anger: 3 }), ...items('ee', 'test', { joy: 5 })],
    },
  ];
  const most = { train: 6, validation: 2 };
  const taken = (label: string, split: string) => (label === 'joy' && split === 'train' ? 2 : 0);
  const found = pairTexts(corpora, taken, { most });
  const counts: Record<string, number> = {};
  for (const { corpus, split, label } of found) {
    const key = `${corpus} ${split} ${label}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  expect(counts).toEqual({
    // Four of joy are wanted beside the two that are taken: EmoEvent's only one, and three.
    'goemotions train joy': 3,
    'emoevent train joy': 1,
    'goemotions train neutral': 6,
    // Remorse is sadness too, as published; guilt alone is no label of faces.
    'goemotions train sadness': 2,
    'emoevent train anger': 3,
    'goemotions validation joy': 2,
    'goemotions test joy': 4,
    'goemotions test neutral': 2,
  });
  expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
  expect(found[0]!.id).toMatch(/^goemotions\/ge-train-joy-/);
  expect(pairTexts(corpora, taken, { most })).toEqual(found);
  const other = pairTexts(corpora, taken, { most, seed: 1 });
  expect(other.map(({ id }) => id)).not.toEqual(found.map(({ id }) => id));
});
