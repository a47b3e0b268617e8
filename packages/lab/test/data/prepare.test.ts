// The protocol as a whole: nothing that repeats stands on two sides, every item is accounted for, seeds decide.
import { mkdir, symlink, writeFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type FaceItem,
  type Loaded,
  type ProtocolFace,
  type ProtocolText,
  TEXT_LABELS,
  type TextItem,
  textKey,
} from 'mien/parts/data';
import { loadFer2013 } from '../../src/data/fer2013.js';
import { loadIsear } from '../../src/data/isear.js';
import { openDataSets } from '../../src/data/open.js';
import { DEFAULT_SETTINGS, countsOf, prepare, protocolRecord } from '../../src/data/prepare.js';
import { assignTexts } from '../../src/data/assign.js';
import { loadRafdb } from '../../src/data/rafdb.js';
import { ferFiles, folderWith, pattern, PIPE_HEADER, pipeRow, rafFiles } from './fixtures.js';

const sum = (table: Readonly<Record<string, Readonly<Record<string, number>>>>): number =>
  Object.values(table).reduce((all, row) => all + Object.values(row).reduce((a, b) => a + b, 0), 0);

/** For every key, the splits in which kept items bear it. */
function sides<Item extends ProtocolText | ProtocolFace>(
  list: readonly Item[],
  key: (item: Item) => unknown,
) {
  const found = new Map<unknown, Set<string>>();
  for (const item of list)
    if (item.split !== 'dropped') found.set(key(item), (found.get(key(item)) ?? new Set()).add(item.split));
  return [...found.values()];
}

const text = (index: number, fields: Partial<TextItem>): TextItem => ({
  id: `isear/${index}`,
  text: 'A.',
  label: 'joy',
  file: 'isear.csv',
  row: index,
  ...fields,
});

describe('texts', () => {
  const list = fc.array(
    fc.record({
      text: fc.constantFrom(
        ...Array.from({ length: 30 }, (_, i) => `Event number ${i}.`),
        'No response.',
        '',
      ),
      label: fc.constantFrom(...TEXT_LABELS),
      subject: fc.constantFrom(...Array.from({ length: 25 }, (_, i) => `s${i}`)),
    }),
    { maxLength: 150 },
  );

  it.each([true, false])('no text and no subject occurs in two splits (subjects given: %s)', (named) => {
    fc.assert(
      fc.property(list, fc.nat(99), (entries, seed) => {
        const items = entries.map(({ subject, ...entry }, i) =>
          text(i, named ? { ...entry, subject } : entry),
        );
        const settings = { ...DEFAULT_SETTINGS, seed };
        const texts = assignTexts(items, settings);
        for (const found of sides(texts, (entry) => textKey(entry.text))) expect(found.size).toBe(1);
        for (const found of sides(texts, (entry) => entry.group)) expect(found.size).toBe(1);
        if (named) for (const found of sides(texts, ({ item }) => item.subject)) expect(found.size).toBe(1);
        for (const { split, reason, text: kept } of texts) {
          expect(split === 'dropped').toBe(reason !== undefined);
          if (split !== 'dropped') expect(kept).toMatch(/^Event/);
        }
        const counts = countsOf(texts);
        expect(sum(counts.splits) + sum(counts.dropped)).toBe(items.length);
        expect(assignTexts(items, settings)).toEqual(texts);
      }),
    );
  });

  it('keeps the test text if a text is repeated across splits', () => {
    // Two subjects of one text each, the same: whichever is test, the other is dropped from training.
    const items = Array.from({ length: 10 }, (_, i) => text(i, { subject: `s${i}`, text: 'My dog died.' }));
    const texts = assignTexts(items, DEFAULT_SETTINGS);
    expect(texts.filter(({ split }) => split === 'test')).toHaveLength(2);
    expect(texts.filter(({ reason }) => reason === 'repeated in another split')).toHaveLength(8);
  });

  it('uses every text in the paper split, 80/20 by label', () => {
    const items = Array.from({ length: 700 }, (_, i) =>
      text(i, { label: TEXT_LABELS[i % 7]!, text: '[ No response.]' }),
    );
    const texts = assignTexts(items, { ...DEFAULT_SETTINGS, split: 'paper' });
    const { splits, dropped } = countsOf(texts);
    expect(dropped).toEqual({});
    for (const label of TEXT_LABELS) {
      expect(splits['test']![label]).toBe(20);
      expect(splits['validation']![label]).toBe(8);
      expect(splits['train']![label]).toBe(72);
    }
  });
});

const loadedFaces = (items: readonly FaceItem[]): Loaded<FaceItem, 'csv'> => ({
  path: 'fer2013.csv',
  form: 'csv',
  items,
  skipped: [],
  warnings: [],
});

const face = (
  index: number,
  split: 'train' | 'test',
  data: Uint8Array,
  label: FaceItem['label'] = 'joy',
): FaceItem => ({
  id: `fer2013/${split}/${index}`,
  label,
  dataset: 'fer2013',
  split,
  usage: split === 'train' ? 'Training' : 'PrivateTest',
  image: { kind: 'pixels', width: 48, height: 48, data },
  file: 'fer2013.csv',
  row: index + 2,
});

const brighter = (data: Uint8Array): Uint8Array => data.map((value) => Math.min(255, value + 5));

describe('faces', () => {
  const items = [
    face(0, 'train', pattern(1, 48)),
    face(1, 'train', pattern(1, 48), 'fear'),
    face(2, 'train', brighter(pattern(2, 48))),
    face(3, 'train', new Uint8Array(2304).fill(7)),
    face(4, 'test', pattern(1, 48)),
    face(5, 'test', pattern(2, 48)),
    face(6, 'test', new Uint8Array(2304).fill(9)),
    ...Array.from({ length: 40 }, (_, i) => face(7 + i, 'train', pattern(100 + Math.floor(i / 2), 48))),
  ];

  it('drops constant images and duplicates of test images from training, and leaves the test set as published', async () => {
    const { protocol } = await prepare({ fer2013: loadedFaces(items) });
    expect(protocol.faces.slice(0, 7).map(({ split, reason }) => reason ?? split)).toEqual([
      'copy in a test split',
      'copy in a test split',
      'near-duplicate in a test split',
      'constant',
      'test',
      'test',
      'test',
    ]);
    expect(protocol.faceDuplicates).toMatchObject({
      groups: 22,
      images: 45,
      largestGroup: 3,
      disagreeing: 1,
      copies: { fer2013: 22 },
      repeats: [{ from: 'FER2013 PrivateTest', to: 'FER2013 Training', copies: 1, near: 1 }],
    });
    const rest = protocol.faces.slice(7);
    expect(rest.filter(({ split }) => split === 'validation')).toHaveLength(4);
    for (const found of sides(rest, ({ group }) => group)) expect(found.size).toBe(1);
  });

  it('keeps everything in the paper split but still counts duplicates', async () => {
    const { protocol } = await prepare({ fer2013: loadedFaces(items) }, { split: 'paper' });
    expect(protocol.counts.fer2013!.dropped).toEqual({});
    expect(protocol.faceDuplicates!.repeats).toHaveLength(1);
    const { train, validation, test } = protocol.counts.fer2013!.splits;
    expect([train, validation, test].map((row) => sum({ row: row! }))).toEqual([40, 4, 3]);
  });

  it('finds copies across the two sets', async () => {
    const copy: FaceItem = {
      ...face(0, 'test', brighter(pattern(120, 48))),
      id: 'rafdb/test_1',
      dataset: 'rafdb',
    };
    const { protocol } = await prepare({
      fer2013: loadedFaces([face(0, 'train', pattern(120, 48)), face(1, 'test', pattern(5, 48))]),
      rafdb: { ...loadedFaces([copy]), form: 'folders' },
    });
    expect(protocol.faces[0]!.reason).toBe('near-duplicate in a test split');
    expect(protocol.faceDuplicates!.repeats).toEqual([
      { from: 'RAF-DB test', to: 'FER2013 Training', copies: 0, near: 1 },
    ]);
  });

  it('gives the same protocol for the same seed, another for another, and the same from kept hashes', async () => {
    const sets = { fer2013: loadedFaces(items) };
    const first = await prepare(sets, { seed: 3 });
    expect((await prepare(sets, { seed: 3, hashes: first.hashes })).protocol).toEqual(first.protocol);
    const splitsOf = ({ protocol }: typeof first) => protocol.faces.map(({ split }) => split);
    expect(splitsOf(await prepare(sets, { seed: 4 }))).not.toEqual(splitsOf(first));
  });

  it('rejects unknown options and invalid values', async () => {
    await expect(prepare({}, { splitt: 'paper' } as object)).rejects.toThrow(/unknown option "splitt"/);
    await expect(prepare({}, { split: 'papr' as 'paper' })).rejects.toThrow(/unknown split "papr"/);
    await expect(prepare({}, { seed: -1 })).rejects.toThrow(/seed/);
    await expect(prepare({}, { validationFraction: 1 })).rejects.toThrow(/between 0 and 1/);
  });
});

describe('all sets', () => {
  it('turns folders into a protocol that is plain JSON without texts and images', async () => {
    const rows = ['joy', 'fear', 'anger'].map((label, i) => pipeRow(`${i}`, label, `Event ${label} here.`));
    const folder = await folderWith({
      'isear/isear.csv': [PIPE_HEADER, ...rows].join('\n'),
      ...(await ferFiles('fer2013/')),
      ...(await rafFiles('rafdb/DATASET/')),
    });
    const { protocol } = await prepare(await openDataSets(folder));
    expect(protocol.texts).toHaveLength(3);
    expect(protocol.faces).toHaveLength(35);
    const json = JSON.stringify(protocolRecord(protocol));
    expect(json).not.toContain('Event');
    expect(JSON.parse(json)).toMatchObject({ settings: DEFAULT_SETTINGS, texts: [{ subject: '0' }, {}, {}] });
  });

  it('reports a truncated image, or drops it as unreadable', async () => {
    const folder = await folderWith(await ferFiles());
    const cut = join(folder, 'train/fear/Training_106.jpg');
    await writeFile(cut, (await readFile(cut)).subarray(0, 400));
    const fer2013 = await loadFer2013(folder);
    await expect(prepare({ fer2013 })).rejects.toMatchObject({ code: 'data', place: { file: cut } });
    const { protocol } = await prepare({ fer2013 }, { skipInvalid: true });
    expect(protocol.skipped).toMatchObject([{ file: cut }]);
    expect(protocol.faces.filter(({ reason }) => reason === 'unreadable')).toMatchObject([
      { item: { file: cut } },
    ]);
    expect(protocol.counts.fer2013!.dropped).toMatchObject({ unreadable: { fear: 1 } });
  });
});

const data = process.env['MIEN_DATA'];

describe.skipIf(!data)('the real data (MIEN_DATA)', () => {
  const at = (...path: string[]): string => join(data!, ...path);
  const count = (items: readonly { label: string }[]): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const { label } of items) counts[label] = (counts[label] ?? 0) + 1;
    return counts;
  };

  it('reads the known number of rows in every form of ISEAR, with the same texts', async () => {
    const forms = ['pipe', 'sentiment-content', 'emotions-statements', 'headerless'] as const;
    const loaded = await Promise.all(forms.map((form) => loadIsear(at('isear', `isear.${form}.csv`))));
    expect(loaded.map(({ form }) => form)).toEqual(forms);
    expect(loaded.map(({ items }) => items.length)).toEqual([7666, 7666, 7651, 7516]);
    const [pipe, , statements, headerless] = loaded.map(({ items }) => items);
    expect(count(pipe!)).toEqual({
      anger: 1096,
      disgust: 1096,
      fear: 1095,
      guilt: 1093,
      joy: 1094,
      sadness: 1096,
      shame: 1096,
    });
    expect(new Set(pipe!.map(({ subject }) => subject)).size).toBe(1096);
    expect(pipe!.filter(({ text }) => /[á|\\]/.test(text))).toEqual([]);
    expect(loaded[3]!.warnings[0]).toMatch(/row \d+: the label "guit" is read as guilt/);
    expect(count(headerless!)).toMatchObject({ guilt: 1050 });
    const known = new Set(pipe!.map(({ text }) => textKey(text)));
    expect(statements!.filter(({ text }) => !known.has(textKey(text)))).toEqual([]);
  });

  it('prefers the original form in the folder', async () => {
    const { form, warnings } = await loadIsear(at('isear'));
    expect(form).toBe('pipe');
    expect(warnings).toEqual([expect.stringContaining('4 forms') as string]);
  });

  it('cleans and splits ISEAR with the documented counts', async () => {
    const { items } = await loadIsear(at('isear'));
    const texts = assignTexts(items, DEFAULT_SETTINGS);
    const { dropped, splits } = countsOf(texts);
    const total = (row: Readonly<Record<string, number>>): number => sum({ row });
    expect(Object.fromEntries(Object.entries(dropped).map(([reason, row]) => [reason, total(row)]))).toEqual({
      'no response': 161,
      'refers to another answer': 9,
      'several labels': 17,
      'repeated in another split': expect.any(Number) as number,
    });
    const kept = sum(splits);
    expect(total(splits['test']!) / kept).toBeCloseTo(0.2, 2);
    for (const row of Object.values(splits)) {
      const shares = Object.values(row).map((value) => (7 * value) / total(row));
      for (const share of shares) expect(Math.abs(share - 1)).toBeLessThan(0.05);
    }
    for (const found of sides(texts, ({ item }) => item.subject)) expect(found.size).toBe(1);
    for (const found of sides(texts, ({ text: kept }) => textKey(kept))) expect(found.size).toBe(1);
  });

  it('reads the known number of images of FER2013', async () => {
    const { items, warnings } = await loadFer2013(at('fer2013'));
    expect(warnings).toEqual([]);
    const ofUsage = (usage: string) => items.filter((item) => item.usage === usage);
    expect(ofUsage('PublicTest')).toHaveLength(3589);
    expect(ofUsage('PrivateTest')).toHaveLength(3589);
    expect(count(ofUsage('Training'))).toEqual({
      anger: 3995,
      disgust: 436,
      fear: 4097,
      joy: 7215,
      neutral: 4965,
      sadness: 4830,
      surprise: 3171,
    });
  });

  it('reads the known number of images of RAF-DB in both forms', async () => {
    const { items, warnings } = await loadRafdb(at('rafdb'));
    expect(warnings).toEqual([]);
    const of = (split: string) => count(items.filter((item) => item.split === split));
    const train = {
      surprise: 1290,
      fear: 281,
      disgust: 717,
      joy: 4772,
      sadness: 1982,
      anger: 705,
      neutral: 2524,
    };
    const test = { surprise: 329, fear: 74, disgust: 160, joy: 1185, sadness: 478, anger: 162, neutral: 680 };
    expect(of('train')).toEqual(train);
    expect(of('test')).toEqual(test);

    const list = await readFile(at('rafdb', 'official_labels', 'list_patition_label.txt'));
    const folder = await folderWith({ 'EmoLabel/list_patition_label.txt': list });
    await mkdir(join(folder, 'Image/aligned'), { recursive: true });
    await Promise.all(
      items.map(({ id, file }) => symlink(file, join(folder, 'Image/aligned', `${id.slice(6)}_aligned.jpg`))),
    );
    const official = await loadRafdb(folder);
    expect(official.form).toBe('official');
    const byId = new Map(items.map(({ id, label }) => [id, label]));
    expect(official.items).toHaveLength(items.length);
    expect(official.items.filter(({ id, label }) => byId.get(id) !== label)).toEqual([]);
  });

  it('finds the copies of one label of FER2013', async () => {
    const { items } = await loadFer2013(at('fer2013'));
    const { protocol } = await prepare({
      fer2013: loadedFaces(items.filter(({ label }) => label === 'disgust')),
    });
    const { splits, dropped } = protocol.counts.fer2013!;
    expect(splits['test']).toEqual({ disgust: 111 });
    expect(dropped).toEqual({
      'copy in a test split': { disgust: 47 },
      'near-duplicate in a test split': { disgust: 32 },
    });
    for (const found of sides(protocol.faces, ({ group }) => group)) expect(found.size).toBe(1);
  });
});
